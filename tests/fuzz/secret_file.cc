// Small files that an operator may have edited: master keys, credentials, the login that trialogctl keeps, and how far
// a demo came.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/errors/errors.h"
#include "platform/sealing/encoding.h"
#include "platform/sealing/master_key.h"
#include "platform/text/text.h"
#include "services/trialogctl/credentials.h"
#include "services/trialogctl/demo/progress.h"
#include "services/trialogctl/saved_login.h"
#include "services/trialogctl/secret_files.h"
#include "tests/fuzz/fuzz.h"

namespace trialog::fuzz {
namespace {

constexpr std::string_view kLogin =
    R"({"server":"127.0.0.1:1","refresh_token":"r","access_token":"a","access_token_expires":1800000000})";

// A file of mode 0600 that has no place on the disk.
class File {
 public:
  explicit File(std::string_view bytes) : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    Require(fd_ >= 0 && ::fchmod(fd_, 0600) == 0, "a file in memory");
    Require(::write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "its bytes");
  }
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  std::string path() const { return Cat("/proc/self/fd/", fd_); }

 private:
  const int fd_;
};

void CheckMasterKey(const File& file, std::string_view bytes) {
  const auto key = sealing::MasterKey::FromFile(file.path());
  if (!key.ok()) {
    Require(ReasonOf(key.status()) == "MASTER_KEY_FILE", "a file that holds no key is named so");
    Require(bytes.size() < 8 || key.status().message().find(std::string(bytes)) == absl::string_view::npos,
            "what a key file holds is never repeated");
    return;
  }
  const std::string_view raw = key->key().bytes();
  std::string lower(bytes);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  Require(
      lower.find(sealing::Hex(raw)) != std::string::npos || bytes.find(sealing::Base64(raw)) != std::string_view::npos,
      "a key is what the file says");
}

void CheckLogin(const File& file) {
  const auto login = ctl::LoadLogin(file.path());
  if (login.ok()) {
    Require(!login->server.empty() && !login->refresh_token.empty(), "a login is complete");
  } else {
    Require(ReasonOf(login.status()) == "NOT_SIGNED_IN", "what is no login means not signed in");
  }
  Require(ctl::ReadSecretFile(file.path()).ok(), "a small file of ours can be read");
}

void CheckCredentials(const File& file) {
  for (const std::string_view username : {"", "ada"}) {
    const auto credentials = ctl::ReadCredentials(file.path(), username);
    if (credentials.ok()) {
      Require(!credentials->organization.empty() && !credentials->password.empty(), "credentials are complete");
      Require(username.empty() ? !credentials->username.empty() : credentials->username == username,
              "credentials are of whom they were asked for");
    } else {
      Require(ReasonOf(credentials.status()) == "CREDENTIALS_FILE", "what are no credentials is named so");
    }
  }
}

void CheckProgress(const File& file) {
  const auto progress = ctl::demo::Progress::Load(file.path());
  Require(progress.ok() || ReasonOf(progress.status()) == "DEMO_STATE", "a damaged state is named so");
}

}  // namespace

std::vector<std::string> Seeds() {
  const std::string key(32, 'k');
  return {sealing::Hex(key) + "\n",
          sealing::Base64(key),
          std::string(64, 'G'),
          std::string(kLogin),
          "{}",
          R"({"organization":"o","username":"ada","password":"p"})",
          R"({"organization":"o","people":[{"username":"ada","password":"p"},{"username":5}]})",
          R"({"done":["people","trial"],"data":"00ff","checkpoint":"demo/log\n1\nAAAA\n\n"})",
          R"({"done":[],"data":5})",
          "[[[[[[",
          R"({"server":1,"refresh_token":{"a":[]},"access_token_expires":1e400})",
          R"({"server":"s","refresh_token":"r","access_token_expires":18446744073709551615})"};
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog::fuzz;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const File file(bytes);
  CheckMasterKey(file, bytes);
  CheckLogin(file);
  CheckCredentials(file);
  CheckProgress(file);
  return 0;
}
