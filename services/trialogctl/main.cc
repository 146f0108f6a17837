// trialogctl: the operator's tool.
#include <cstdio>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/numbers.h"
#include "platform/errors/errors.h"
#include "platform/runtime/real_runtime.h"
#include "platform/text/text.h"
#include "services/process/environment.h"
#include "services/process/kafka_flags.h"
#include "services/trialogctl/accounts.h"
#include "services/trialogctl/backup.h"
#include "services/trialogctl/call.h"
#include "services/trialogctl/demo/demo.h"
#include "services/trialogctl/flags.h"
#include "services/trialogctl/import_log.h"
#include "services/trialogctl/lag.h"
#include "services/trialogctl/logs.h"
#include "services/trialogctl/rebuild.h"
#include "services/trialogctl/saved_login.h"
#include "services/trialogctl/skip.h"
#include "services/trialogctl/topics.h"
#include "services/trialogctl/verify.h"
#include "services/trialogctl/verify_online.h"

ABSL_FLAG(std::string, data, "", "The server's data folder. demo: the CSV file");
ABSL_FLAG(std::string, server, "", "Address of the server, host:port");
ABSL_FLAG(std::string, checkpoint, "",
          "verify, restore: file with a checkpoint that was kept; with --server the latest is kept there");
ABSL_FLAG(std::string, credentials, "",
          "login, demo: file of mode 0600 with an organization, username, password; demo: an administrator's");
ABSL_FLAG(std::string, state, "", "demo: file that keeps how far a run came");
ABSL_FLAG(std::string, people, "",
          "demo: where the passwords of the demo's people go; demo-people.json beside --state when empty");
ABSL_FLAG(std::string, plot, "", "demo: where the survival plot goes; beside --state when empty");
ABSL_FLAG(std::string, log_key, "", "verify, demo: file with the audit log's public key; for demo of mode 0600");
ABSL_FLAG(std::string, to, "", "backup, snapshot: the new folder");
ABSL_FLAG(std::string, from, "", "rebuild: folder that snapshot made, to go on from; empty: the whole log is folded");
ABSL_FLAG(std::string, keys_to, "", "backup: a new folder for the keys, apart from the rest; empty: they are left out");
ABSL_FLAG(std::string, backup, "", "restore: the folder of the backup");
ABSL_FLAG(std::string, keys_backup, "", "restore: the folder with the backup of the keys; empty: those of --data stay");
ABSL_FLAG(std::string, ticket, "", "skip: where the reason is written down: letters, digits and ._/#-");
ABSL_FLAG(std::string, group, "", "lag: a consumer group");
ABSL_FLAG(std::string, entries, "100", "verify: how many entries of a running server to prove, or all");

namespace trialog::ctl {
namespace {

absl::Status Demo() {
  demo::DemoOptions options;
  options.server = absl::GetFlag(FLAGS_server);
  options.credentials_file = absl::GetFlag(FLAGS_credentials);
  if (options.server.empty()) return Missing("server");
  if (options.credentials_file.empty()) return Missing("credentials");
  const std::string data = absl::GetFlag(FLAGS_data);
  options.data_file = data.empty() ? "tests/data/lung.csv" : data;
  options.state_file = absl::GetFlag(FLAGS_state);
  options.people_file = absl::GetFlag(FLAGS_people);
  options.plot_file = absl::GetFlag(FLAGS_plot);
  options.log_key_file = absl::GetFlag(FLAGS_log_key);
  return demo::RunDemo(options);
}

absl::Status Verify() {
  const std::string data = absl::GetFlag(FLAGS_data), server = absl::GetFlag(FLAGS_server);
  if (data.empty() == server.empty())
    return Missing("data, of a server that is stopped, or --server, of one that runs");
  const auto kafka = process::ReadKafkaFlags();
  if (!kafka.ok()) return kafka.status();
  if (!data.empty()) return VerifyDataFolder(data, *kafka, absl::GetFlag(FLAGS_checkpoint));
  if (absl::GetFlag(FLAGS_log_key).empty()) return Missing("log_key");
  return VerifyServer({.server = server,
                       .log_key_file = absl::GetFlag(FLAGS_log_key),
                       .checkpoint_file = absl::GetFlag(FLAGS_checkpoint),
                       .entries = absl::GetFlag(FLAGS_entries)});
}

absl::Status MakeBackup() {
  const std::string data = absl::GetFlag(FLAGS_data), to = absl::GetFlag(FLAGS_to);
  if (data.empty()) return Missing("data");
  if (to.empty()) return Missing("to");
  return Backup(data, to, absl::GetFlag(FLAGS_keys_to));
}

absl::Status RestoreBackup() {
  RestoreOptions options;
  options.data = absl::GetFlag(FLAGS_data);
  options.backup = absl::GetFlag(FLAGS_backup);
  if (options.data.empty()) return Missing("data");
  if (options.backup.empty()) return Missing("backup");
  options.keys_backup = absl::GetFlag(FLAGS_keys_backup);
  options.checkpoint = absl::GetFlag(FLAGS_checkpoint);
  auto kafka = process::ReadKafkaFlags();
  if (!kafka.ok()) return kafka.status();
  options.kafka = *std::move(kafka);
  return Restore(options);
}

absl::Status ImportEmbedded() {
  const std::string data = absl::GetFlag(FLAGS_data);
  if (data.empty()) return Missing("data");
  const auto kafka = AskedKafka();
  return kafka.ok() ? ImportLog(data, *kafka) : kafka.status();
}

// Words after the command.
using Words = std::vector<std::string_view>;

absl::Status CallMethod(const Words& words) {
  if (words.empty()) return Refuse(absl::StatusCode::kInvalidArgument, "NO_SUCH_METHOD", "name a method");
  return Call(absl::GetFlag(FLAGS_server), words[0], words.size() > 1 ? words[1] : "");
}

absl::Status MakeOrCheckTopics(const Words& words) { return Topics(words.empty() ? "" : words[0]); }

absl::Status PrintOwners(const Words& words) { return Owners(words.empty() ? "" : words[0]); }

absl::Status PrintLag(const Words& words) { return Lag(words.empty() ? "" : words[0], absl::GetFlag(FLAGS_group)); }

absl::Status RebuildStore(const Words& words) {
  RebuildOptions options;
  options.service = words.empty() ? "" : words[0];
  options.data = absl::GetFlag(FLAGS_data);
  if (options.data.empty()) return Missing("data");
  options.from = absl::GetFlag(FLAGS_from);
  auto kafka = process::ReadKafkaFlags();
  if (!kafka.ok()) return kafka.status();
  options.kafka = *std::move(kafka);
  return Rebuild(options);
}

absl::Status TakeSnapshot(const Words& words) {
  const std::string data = absl::GetFlag(FLAGS_data), to = absl::GetFlag(FLAGS_to);
  if (data.empty()) return Missing("data");
  if (to.empty()) return Missing("to");
  return Snapshot(std::string(words.empty() ? "" : words[0]), data, to);
}

absl::Status SkipRecord(const Words& words) {
  SkipOptions options;
  const bool numbers = words.size() == 3 && absl::SimpleAtoi(ToAbsl(words[1]), &options.partition) &&
                       absl::SimpleAtoi(ToAbsl(words[2]), &options.offset);
  if (!numbers) return Refuse(absl::StatusCode::kInvalidArgument, "NO_SUCH_RECORD", "give SERVICE PARTITION OFFSET");
  options.service = words[0];
  options.ticket = absl::GetFlag(FLAGS_ticket);
  const auto kafka = process::ReadKafkaFlags();
  if (!kafka.ok()) return kafka.status();
  const std::string data = absl::GetFlag(FLAGS_data);
  if (!*kafka && data.empty()) return Missing("kafka_brokers, or --data of a server that is stopped");
  const auto log = OpenLog(*kafka, data);
  return log.ok() ? Skip(options, **log, RealRuntime()) : log.status();
}

// A command that takes none.
template <absl::Status (*run)()>
absl::Status Alone(const Words&) {
  return run();
}

struct Command {
  std::string_view name;
  std::string_view usage;
  size_t most_words;
  absl::Status (*run)(const Words&);
};

constexpr Command kCommands[] = {
    {"init",
     "  trialogctl init --data DIR\n"
     "      Makes a data folder: keys and a one-time token.\n"
     "  trialogctl init --server ADDR --organization ID (--username NAME | --email ADDRESS)\n"
     "                  (--data DIR | --init_token_file FILE) [--display_name TEXT] [--password_file FILE]\n"
     "      Makes the first organisation and its administrator with the one-time token.\n",
     0, Alone<Init>},
    {"login",
     "  trialogctl login --server ADDR --organization ID (--username NAME | --email ADDRESS) [--password_file FILE]\n"
     "  trialogctl login --server ADDR --credentials FILE [--username NAME]\n"
     "      Signs in and keeps the session in ~/.config/trialog/token (mode 0600); later calls go on with it. FILE, "
     "of\n"
     "      mode 0600, is JSON of one person's organization, username and password, or of many people, as the demo\n"
     "      writes it.\n",
     0, Alone<Login>},
    {"token",
     "  trialogctl token\n"
     "      Prints an access token of that session, renewed if need be: export TOKEN=$(trialogctl token)\n",
     0, Alone<PrintToken>},
    {"call",
     "  trialogctl call [--server ADDR] METHOD [JSON]\n"
     "      Calls any method with the session, and prints the answer as JSON; a stream's answers one a line:\n"
     "      trialogctl call trialog.auth.v1.AuthService/WhoAmI\n",
     2, CallMethod},
    {"verify",
     "  trialogctl verify --data DIR [--checkpoint FILE] [--kafka_brokers ADDR…]\n"
     "      With no server on the folder: derives everything again from the log and compares it, byte for byte, and\n"
     "      with a checkpoint that was kept elsewhere.\n"
     "  trialogctl verify --server ADDR --log_key FILE [--checkpoint FILE] [--entries N|all]\n"
     "      As an auditor who has signed in: checks the latest checkpoint's signature by the log's public key\n"
     "      (keys/audit.pub of the server's folder), that it continues the checkpoint kept in FILE, which it then\n"
     "      replaces, and proves N entries chosen by chance (100), or all that you may read.\n",
     0, Alone<Verify>},
    {"topics",
     "  trialogctl topics create|check --kafka_brokers ADDR[,ADDR…] [--kafka_replicas N] [--kafka_topic_prefix TEXT]\n"
     "                  [--kafka_roots FILE] [--kafka_certificate FILE --kafka_key FILE] [--kafka_user NAME\n"
     "                  --kafka_password_file FILE] [--kafka_message_timeout DURATION]\n"
     "      Makes the topics of the five services where they are missing, and says what would lose records in those\n"
     "      that are there. These flags are those of the servers; verify and owners take them too.\n",
     1, MakeOrCheckTopics},
    {"owners",
     "  trialogctl owners [SERVICE] --kafka_brokers ADDR[,ADDR…]\n"
     "      Prints who owns each partition, as the logs say, and how many records of former owners were ignored.\n",
     1, PrintOwners},
    {"lag",
     "  trialogctl lag [SERVICE] --kafka_brokers ADDR[,ADDR…] [--group NAME]\n"
     "      Prints how far each public topic is behind its service's log, and a consumer group behind the topics.\n",
     1, PrintLag},
    {"rebuild",
     "  trialogctl rebuild SERVICE --data DIR [--from DIR] [--kafka_brokers ADDR…]\n"
     "      Makes the service's store anew from its log, beside the one that is in use: the service may be running,\n"
     "      and takes the new store at its next start. With --from it goes on from a snapshot of another replica's.\n",
     1, RebuildStore},
    {"snapshot",
     "  trialogctl snapshot SERVICE --data DIR --to DIR\n"
     "      Copies the service's store, which may be in use, as it was at one moment: for a new replica, where the "
     "log\n"
     "      is long. The new folder is on the same file system.\n",
     1, TakeSnapshot},
    {"skip",
     "  trialogctl skip SERVICE PARTITION OFFSET --ticket TEXT (--kafka_brokers ADDR… | --data DIR)\n"
     "      Has everybody pass over a record that stops a partition: bytes that are no record, or an event that this\n"
     "      build does not know. An upgrade is better. It is an event of that partition, and in the audit log.\n",
     3, SkipRecord},
    {"backup",
     "  trialogctl backup --data DIR --to DIR [--keys_to DIR]\n"
     "      With no server on the folder: copies log, blobs and stores, and what they must be; keys to a folder of\n"
     "      their own, since who has both can read everything.\n",
     0, Alone<MakeBackup>},
    {"restore",
     "  trialogctl restore --backup DIR [--keys_backup DIR] --data DIR [--checkpoint FILE] [--kafka_brokers ADDR…]\n"
     "      Puts a backup back, if it is what was made and its log goes as far as the folder's own, Kafka's or the\n"
     "      kept checkpoint's, and is the same. What was in the folder goes to DIR.before-restore.\n",
     0, Alone<RestoreBackup>},
    {"import-log",
     "  trialogctl import-log --data DIR --kafka_brokers ADDR[,ADDR…]\n"
     "      With no server on the folder: copies its embedded log into empty topics, each record to its own offset, "
     "and\n"
     "      compares all of both. Begun again it goes on. The folder then works with --kafka_brokers.\n",
     0, Alone<ImportEmbedded>},
    {"demo",
     "  trialogctl demo --server ADDR --credentials FILE [--data FILE] [--state FILE] [--people FILE] [--plot FILE]\n"
     "                  [--log_key FILE]\n"
     "      Carries a trial's data through all services, by their public API. --people, or demo-people.json beside\n"
     "      --state, is then of mode 0600 and holds what the demo's people sign in with.\n",
     0, Alone<Demo>},
};

std::string Usage(std::string_view command) {
  std::string text;
  for (const Command& each : kCommands) {
    if (command.empty() || command == each.name) text += each.usage;
  }
  if (!command.empty() && !text.empty()) return text;
  return Cat(
      "The operator's tool.\n\n", text,
      "  trialogctl help [COMMAND]\n"
      "      Prints this, or what it says of one command. --help lists the flags.\n\n"
      "A server that speaks TLS: --server_roots FILE with any of these, --server_name NAME where its certificate is\n"
      "for another name than the address, --client_certificate FILE --client_key FILE where it asks who comes.\n\n"
      "Each flag is also read from the environment as TRIALOGCTL_<FLAG>, and from --flagfile=FILE.\n");
}

// A server that cannot be reached gives no reason of ours.
absl::Status SayIfUnreachable(const absl::Status& status) {
  const bool reached = !ReasonOf(status).empty();
  if (reached || !(absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status))) return status;
  std::string server = absl::GetFlag(FLAGS_server);
  if (server.empty()) {
    const auto path = SavedLoginPath();
    const auto login = path.ok() ? LoadLogin(*path) : path.status();
    if (login.ok()) server = login->server;
  }
  return Refuse(absl::StatusCode::kUnavailable, "SERVER_UNREACHABLE",
                Cat("no answer from ", server, ": is the server running, and is this its address? (",
                    FromAbsl(status.message()), ")"));
}

absl::Status Run(const std::vector<char*>& arguments) {
  const std::string_view name = arguments.size() > 1 ? arguments[1] : "";
  if (name == "help" && arguments.size() <= 3) {
    std::printf("%s", Usage(arguments.size() == 3 ? arguments[2] : "").c_str());
    return absl::OkStatus();
  }
  const auto* command =
      std::find_if(std::begin(kCommands), std::end(kCommands), [&](const Command& each) { return each.name == name; });
  if (command == std::end(kCommands)) return Refuse(absl::StatusCode::kInvalidArgument, "NO_SUCH_COMMAND", Usage(""));
  const Words words(arguments.begin() + 2, arguments.end());
  if (words.size() > command->most_words) {
    return Refuse(absl::StatusCode::kInvalidArgument, "BAD_FLAG",
                  Cat("'", words.back(), "' is no flag; a value is written --flag=value\n", command->usage));
  }
  return SayIfUnreachable(command->run(words));
}

}  // namespace
}  // namespace trialog::ctl

int main(int argc, char** argv) {
  trialog::process::SetUsage(trialog::ctl::Usage(""));
  absl::Status done = trialog::process::FlagsFromEnvironment("TRIALOGCTL_");
  if (done.ok()) done = trialog::ctl::Run(absl::ParseCommandLine(argc, argv));
  if (done.ok()) return 0;
  std::fprintf(stderr, "%s\n", std::string(done.message()).c_str());
  return 1;
}
