#include "services/trialogctl/saved_login.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "platform/view/times.h"
#include "services/trialogctl/secret_files.h"
#include "services/trialogctl/server.h"

namespace trialog::ctl {
namespace {

absl::Status NotSignedIn() {
  return Refuse(absl::StatusCode::kFailedPrecondition, "NOT_SIGNED_IN",
                "sign in first: trialogctl login --server … --organization …");
}

// Held while the saved session is read, renewed and written.
class Lock {
 public:
  explicit Lock(const std::string& path) : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    held_ = fd_ >= 0 && ::flock(fd_, LOCK_EX) == 0;
  }
  ~Lock() {
    if (fd_ >= 0) ::close(fd_);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  bool held() const { return held_; }

 private:
  const int fd_;
  bool held_ = false;
};

}  // namespace

absl::StatusOr<std::string> SavedLoginPath() {
  const char* config = std::getenv("XDG_CONFIG_HOME");
  const char* home = std::getenv("HOME");
  if (config == nullptr && home == nullptr) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "NO_HOME", "set HOME or XDG_CONFIG_HOME");
  }
  const std::filesystem::path folder =
      (config != nullptr ? std::filesystem::path(config) : std::filesystem::path(home) / ".config") / "trialog";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return Refuse(absl::StatusCode::kFailedPrecondition, "NO_HOME", Cat(folder.string(), ": ", error.message()));
  return (folder / "token").string();
}

absl::Status SaveLogin(const std::string& path, const std::string& server, const auth::v1::SessionTokens& tokens) {
  const nlohmann::json saved = {{"server", server},
                                {"refresh_token", tokens.refresh_token()},
                                {"access_token", tokens.access_token()},
                                {"access_token_expires", tokens.access_token_expire_time().seconds()}};
  return ReplaceSecretFile(path, saved.dump(2) + "\n");
}

absl::StatusOr<SavedLogin> LoadLogin(const std::string& path) {
  auto text = ReadSecretFile(path);
  if (absl::IsNotFound(text.status())) return NotSignedIn();
  if (!text.ok()) return text.status();
  const auto saved = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!saved.is_object()) return NotSignedIn();
  const auto field = [&](const char* name) {
    const auto it = saved.find(name);
    return it != saved.end() && it->is_string() ? it->get<std::string>() : std::string();
  };
  SavedLogin login{field("server"), field("refresh_token"), field("access_token"), absl::InfinitePast()};
  if (const auto it = saved.find("access_token_expires"); it != saved.end() && it->is_number_integer()) {
    login.access_token_expires = absl::FromUnixSeconds(it->get<int64_t>());
  }
  if (login.server.empty() || login.refresh_token.empty()) return NotSignedIn();
  return login;
}

absl::StatusOr<std::string> CurrentToken(const std::string& path, absl::Time now) {
  const Lock lock(path + ".lock");
  if (!lock.held())
    return Refuse(absl::StatusCode::kUnavailable, "TOKEN_FILE_LOCK", Cat(path, ".lock cannot be locked"));
  auto login = LoadLogin(path);
  if (!login.ok()) return login.status();
  if (now + kLeastTokenLife < login->access_token_expires) return login->access_token;
  auth::v1::RefreshTokenRequest request;
  request.set_refresh_token(login->refresh_token);
  const auto client = Connect(login->server);
  if (!client.ok()) return client.status();
  auto renewed = client->Call<auth::v1::RefreshTokenResponse>("trialog.auth.v1.AuthService/RefreshToken", request);
  if (!renewed.ok()) return renewed.status();
  if (absl::Status saved = SaveLogin(path, login->server, renewed->tokens()); !saved.ok()) return saved;
  return renewed->tokens().access_token();
}

}  // namespace trialog::ctl
