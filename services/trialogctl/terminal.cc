#include "services/trialogctl/terminal.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::ctl {
namespace {

constexpr size_t kMaxTyped = 4096;

// The terminal without echo, as long as it lives.
class QuietTerminal {
 public:
  QuietTerminal() : fd_(::open("/dev/tty", O_RDWR | O_CLOEXEC)) {
    if (fd_ < 0 || ::tcgetattr(fd_, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ready_ = ::tcsetattr(fd_, TCSAFLUSH, &quiet) == 0;
  }
  ~QuietTerminal() {
    if (ready_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
    if (fd_ >= 0) ::close(fd_);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;
  bool ready() const { return ready_; }

  bool Say(std::string_view text) {
    return ::write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }
  std::string ReadLine() {
    std::string line;
    for (char c; line.size() < kMaxTyped && ::read(fd_, &c, 1) == 1 && c != '\n';) line += c;
    Say("\n");
    return line;
  }

 private:
  const int fd_;
  termios before_{};
  bool ready_ = false;
};

}  // namespace

absl::StatusOr<std::string> AskPassword(std::string_view prompt, bool twice) {
  QuietTerminal terminal;
  if (!terminal.ready()) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "NO_TERMINAL", "give --password_file");
  }
  terminal.Say(Cat(prompt, ": "));
  std::string password = terminal.ReadLine();
  if (twice) {
    terminal.Say("Again: ");
    if (terminal.ReadLine() != password) {
      return Refuse(absl::StatusCode::kInvalidArgument, "PASSWORDS_DIFFER", "the two are not the same");
    }
  }
  return password;
}

}  // namespace trialog::ctl
