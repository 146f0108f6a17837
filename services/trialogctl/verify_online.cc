#include "services/trialogctl/verify_online.h"

#include <charconv>
#include <cstdio>
#include <random>

#include "absl/time/clock.h"
#include "platform/errors/errors.h"
#include "platform/sealing/encoding.h"
#include "platform/text/text.h"
#include "services/audit/verify/online.h"
#include "services/trialogctl/saved_login.h"
#include "services/trialogctl/secret_files.h"
#include "services/trialogctl/server.h"
#include "trialog/auth/v1/auth.pb.h"

namespace trialog::ctl {
namespace {

constexpr uint64_t kTellEvery = 1000;  // Entries.

// "all" is none.
absl::StatusOr<std::optional<uint64_t>> SampleOf(std::string_view text) {
  if (text == "all") return std::nullopt;
  uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc() && end == text.data() + text.size() && count <= 1'000'000) return count;
  return Refuse(absl::StatusCode::kInvalidArgument, "BAD_FLAG", "--entries is a number up to 1000000, or all");
}

absl::StatusOr<sealing::NoteVerifier> LogKey(const std::string& file) {
  auto text = ReadText(file);
  if (!text.ok()) return text.status();
  while (!text->empty() && text->back() == '\n') text->pop_back();
  auto verifier = sealing::NoteVerifier::FromText(*text);
  if (verifier.ok()) return verifier;
  return Refuse(absl::StatusCode::kInvalidArgument, "BAD_LOG_KEY",
                Cat(file, " is no public key of a log (keys/audit.pub of the server's folder)"));
}

// A token of the saved session, which must be one of this server.
absl::StatusOr<std::string> TokenFor(const std::string& server) {
  auto path = SavedLoginPath();
  if (!path.ok()) return path.status();
  auto login = LoadLogin(*path);
  if (!login.ok()) return login.status();
  if (login->server == server) return CurrentToken(*path, absl::Now());
  return Refuse(
      absl::StatusCode::kFailedPrecondition, "NOT_SIGNED_IN",
      Cat("the saved session is of ", login->server, "; sign in first: trialogctl login --server ", server, " …"));
}

absl::StatusOr<std::string> OrganizationAt(const rpc::Client& client, const std::string& token) {
  auto who = client.Call<auth::v1::WhoAmIResponse>("trialog.auth.v1.AuthService/WhoAmI", auth::v1::WhoAmIRequest(),
                                                   {.token = token});
  if (!who.ok()) return who.status();
  const std::string& name = who->identity().user().name();
  return name.substr(0, name.find("/users/"));
}

}  // namespace

absl::Status VerifyServer(const OnlineOptions& options) {
  auto sample = SampleOf(options.entries);
  if (!sample.ok()) return sample.status();
  auto key = LogKey(options.log_key_file);
  if (!key.ok()) return key.status();
  const auto token = [&options] { return TokenFor(options.server); };
  auto first_token = token();
  if (!first_token.ok()) return first_token.status();
  const auto client = Connect(options.server);
  if (!client.ok()) return client.status();
  auto organization = OrganizationAt(*client, *first_token);
  if (!organization.ok()) return organization.status();

  const audit::OnlineVerifier verifier(*client, token, *std::move(key));
  auto checkpoint =
      options.checkpoint_file.empty() ? verifier.Latest() : verifier.CheckpointFollows(options.checkpoint_file);
  if (!checkpoint.ok()) return checkpoint.status();
  std::printf("The checkpoint of %llu leaves, root %s, is signed by the log\n",
              static_cast<unsigned long long>(checkpoint->size), sealing::Base64(checkpoint->root).c_str());
  if (!options.checkpoint_file.empty()) {
    std::printf("and continues the one kept in %s, where it is kept now.\n", options.checkpoint_file.c_str());
  }
  std::mt19937_64 engine(std::random_device{}());
  const auto random = [&](uint64_t below) { return std::uniform_int_distribution<uint64_t>(0, below - 1)(engine); };
  const auto progress = [](const audit::EntriesReport& report) {
    if (report.proven % kTellEvery == 0)
      std::printf("%llu entries proven\n", static_cast<unsigned long long>(report.proven));
  };
  auto report = verifier.Entries(*organization, *checkpoint, *sample ? &**sample : nullptr, random, progress);
  if (!report.ok()) return report.status();
  std::printf("All holds: %llu of the %llu entries of %s that you may read are in its tree, as they were written.\n",
              static_cast<unsigned long long>(report->proven), static_cast<unsigned long long>(report->listed),
              organization->c_str());
  return absl::OkStatus();
}

}  // namespace trialog::ctl
