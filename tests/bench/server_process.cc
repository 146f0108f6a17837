#include "tests/bench/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "platform/text/text.h"

namespace trialog::bench {
namespace {

constexpr char kServing[] = "serving on port ";

std::string PortFrom(int output) {
  std::string text;
  char c;
  while (::read(output, &c, 1) == 1) {
    if (c != '\n') {
      text += c;
      continue;
    }
    if (HasPrefix(text, kServing)) return text.substr(sizeof kServing - 1);
    text.clear();
  }
  return "";
}

}  // namespace

ServerProcess::ServerProcess(const std::vector<std::string>& command) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(::open("/dev/null", O_WRONLY), STDERR_FILENO);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  output_ = ends[0];
  const std::string port = PortFrom(output_);
  if (port.empty()) {
    std::fprintf(stderr, "%s does not serve\n", command[0].c_str());
    std::abort();
  }
  address_ = Cat("127.0.0.1:", port);
}

ServerProcess::~ServerProcess() {
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  ::close(output_);
}

absl::Duration ServerProcess::Cpu() const {
  std::ifstream file(Cat("/proc/", pid_, "/stat"));
  std::stringstream text;
  text << file.rdbuf();
  // proc(5): the fields after the name, which ends with the last ')'; utime and stime are the 14th and 15th of all.
  std::istringstream fields(text.str().substr(text.str().rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  int64_t user = 0, system = 0;
  fields >> user >> system;
  return absl::Seconds(user + system) / ::sysconf(_SC_CLK_TCK);
}

int64_t ServerProcess::ResidentBytes() const {
  std::ifstream file(Cat("/proc/", pid_, "/statm"));
  int64_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

}  // namespace trialog::bench
