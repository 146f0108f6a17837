// For tests: a folder with a real embedded log that real owners of auth's, inventory's and audit's partitions write to.
#pragma once

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "gtest/gtest.h"
#include "platform/command/owner.h"
#include "platform/log/embedded/embedded_log.h"
#include "platform/runtime/real_runtime.h"
#include "platform/sealing/secret_key.h"
#include "platform/text/text.h"
#include "services/audit/domain/choices.h"
#include "services/audit/views/audit_fold.h"
#include "services/audit/views/audit_store.h"
#include "services/audit/views/sources.h"
#include "services/auth/domain/evolve.h"
#include "services/inventory/domain/biobank.h"
#include "services/inventory/domain/evolve.h"
#include "services/inventory/domain/sample.h"

namespace trialog::audit {

// A folder of its own, removed at the end.
class TempFolder {
 public:
  TempFolder() {
    std::string path = ::testing::TempDir() + "audit.XXXXXX";
    path_ = ::mkdtemp(path.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::string operator/(std::string_view name) const { return Cat(path_, "/", name); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// One service that writes: a store and an owner of all partitions.
class Writer {
 public:
  Writer(const Domain& domain, log::Log& log, const std::string& store_path, int partitions = log::kPartitions)
      : store_(view::Store::Open(domain, {.path = store_path}).value()),
        owner_(RealRuntime(), log, *store_, {}, partitions) {
    EXPECT_TRUE(owner_.Start(false).ok());
  }

  // Runs the commands and waits; every one must succeed.
  void Run(std::vector<std::unique_ptr<Command>> commands) {
    constexpr size_t kAtOnce = 1000;
    for (size_t begin = 0; begin < commands.size(); begin += kAtOnce) {
      const size_t end = std::min(begin + kAtOnce, commands.size());
      absl::BlockingCounter left(static_cast<int>(end - begin));
      for (size_t i = begin; i < end; ++i) {
        commands[i]->done = [&left](const absl::StatusOr<Outcome>& outcome) {
          EXPECT_TRUE(outcome.ok()) << outcome.status();
          left.DecrementCount();
        };
        owner_.Submit(std::move(commands[i]));
      }
      left.Wait();
    }
  }

 private:
  std::unique_ptr<view::Store> store_;
  Owner owner_;
};

inline std::unique_ptr<Command> NewCommand(std::string_view organization, std::string_view method, DecideFn decide) {
  auto command = std::make_unique<Command>();
  command->organization = std::string(organization);
  command->method = std::string(method);
  command->principal.organization = command->organization;
  command->principal.caller.set_kind(event::v1::Caller::KIND_USER);
  command->principal.caller.set_name(Cat("organizations/", organization, "/users/mia"));
  for (Role role : {ROLE_BIOBANK_MANAGER, ROLE_LAB_TECHNICIAN}) {
    command->principal.grants.push_back({role, Cat("organizations/", organization)});
  }
  command->decide = std::move(decide);
  return command;
}

class TestLogs {
 public:
  TestLogs() {
    OpenLog();
    OpenWriters();
  }

  log::EmbeddedLog& log() { return *log_; }
  static sealing::SecretKey SaltKey() { return *sealing::SecretKey::FromBytes(std::string(32, 's')); }

  // A biobank and `count` samples in it, one event each.
  void WriteSamples(const std::string& organization, int count) {
    std::vector<std::unique_ptr<Command>> commands;
    if (biobanks_.insert(organization).second) {
      commands.push_back(NewCommand(organization, "trialog.inventory.v1.BiobankService/CreateBiobank",
                                    [organization](const view::State& state, const Context& context) {
                                      inventory::v1::CreateBiobankRequest request;
                                      request.set_parent(Cat("organizations/", organization));
                                      request.set_biobank_id("main");
                                      request.mutable_biobank()->set_display_name("Main biobank");
                                      return inventory::CreateBiobank(state, context, request, {});
                                    }));
    }
    for (int i = 0; i < count; ++i) {
      const std::string id = Cat("s", ++samples_);
      commands.push_back(NewCommand(organization, "trialog.inventory.v1.SampleService/CreateSample",
                                    [organization, id](const view::State& state, const Context& context) {
                                      inventory::v1::CreateSampleRequest request;
                                      request.set_parent(Cat("organizations/", organization, "/biobanks/main"));
                                      request.set_sample_id(id);
                                      request.mutable_sample()->set_identifier(Cat("BB-", id));
                                      request.mutable_sample()->set_sample_type("SER");
                                      request.mutable_sample()->set_state(inventory::v1::SAMPLE_STATE_STORED);
                                      return inventory::CreateSample(state, context, request, {});
                                    }));
    }
    inventory_->Run(std::move(commands));
  }

  // Commands of auth, each with two events.
  void WriteUsers(const std::string& organization, int count) {
    std::vector<std::unique_ptr<Command>> commands;
    for (int i = 0; i < count; ++i) {
      const std::string name = Cat("organizations/", organization, "/users/u", ++users_);
      commands.push_back(NewCommand(organization, "trialog.auth.v1.UserService/CreateUser",
                                    [name](const view::State&, const Context&) {
                                      Decision decision;
                                      auth::v1::AuthEvent created, locked;
                                      created.mutable_user_created()->mutable_user()->set_name(name);
                                      locked.mutable_account_locked()->set_name(name);
                                      decision.Add(name, created);
                                      decision.Add(name, locked);
                                      return absl::StatusOr<Decision>(decision);
                                    }));
    }
    auth_->Run(std::move(commands));
  }

  // A read of a subject's personal fields, as inventory records it.
  void WriteAccess(const std::string& organization, const std::string& subject) {
    auto command = NewCommand(organization, "trialog.inventory.v1.SampleService/GetSample", nullptr);
    command->access.emplace();
    command->access->set_method(command->method);
    command->access->set_outcome(event::v1::Access::OUTCOME_SHOWN);
    command->access->set_count(1);
    command->access->add_subjects(subject);
    command->access_entity = subject;
    std::vector<std::unique_ptr<Command>> commands;
    commands.push_back(std::move(command));
    inventory_->Run(std::move(commands));
  }

  // Gives everything that the fold has not taken its place, in ranges of at most `longest` offsets.
  void SequenceAll(AuditFold& fold, int64_t longest = INT64_MAX) {
    std::vector<v1::Sequenced> ranges;
    for (const std::string& source : Sources()) {
      for (int p = 0; p < log::kPartitions; ++p) {
        const int64_t end = log_->EndOffset(source, p).value();
        for (int64_t from = fold.NextOf(source, p).value(); from < end;) {
          v1::Sequenced& range = ranges.emplace_back();
          range.set_source(source);
          range.set_partition(p);
          range.set_from(from);
          range.set_to(end - from > longest ? from + longest : end);
          from = range.to();
        }
      }
    }
    if (ranges.empty()) return;
    Choose("Sequence",
           [ranges](const view::State& state, const Context& context) { return Sequence(state, context, ranges); });
  }

  void Sign(uint64_t size, const std::string& root) {
    v1::CheckpointSigned checkpoint;
    checkpoint.set_size(size);
    checkpoint.set_root(root);
    Choose("SignCheckpoint", [checkpoint](const view::State& state, const Context& context) {
      return SignCheckpoint(state, context, checkpoint);
    });
  }

  // A read of the audit log, as audit records it.
  void WriteAuditRead(const std::string& organization) {
    auto command = NewCommand(organization, "trialog.audit.v1.AuditService/ListEntries", nullptr);
    command->access.emplace();
    command->access->set_method(command->method);
    command->access->set_outcome(event::v1::Access::OUTCOME_SHOWN);
    std::vector<std::unique_ptr<Command>> commands;
    commands.push_back(std::move(command));
    audit_->Run(std::move(commands));
  }

  // Ends the writers, so that a service under test may own the partitions.
  void CloseWriters() {
    auth_.reset();
    inventory_.reset();
    audit_.reset();
  }
  void CloseLog() {
    CloseWriters();
    log_.reset();
  }
  // Without writers.
  void OpenLog() { log_ = log::EmbeddedLog::Open({.path = folder / "log"}).value(); }
  void OpenWriters() {
    auth_ = std::make_unique<Writer>(auth::AuthDomain(), *log_, folder / "auth");
    inventory_ = std::make_unique<Writer>(inventory::InventoryDomain(), *log_, folder / "inventory");
    audit_ = std::make_unique<Writer>(AuditDomain(), *log_, folder / "audit-choices", 1);
  }

  TempFolder folder;

 private:
  void Choose(std::string_view method, DecideFn decide) {
    std::vector<std::unique_ptr<Command>> commands;
    commands.push_back(NewCommand("", method, std::move(decide)));
    audit_->Run(std::move(commands));
  }

  std::unique_ptr<log::EmbeddedLog> log_;
  std::unique_ptr<Writer> auth_, inventory_, audit_;
  std::set<std::string> biobanks_;
  int samples_ = 0, users_ = 0;
};

// A store and its fold, as a replica has them.
struct Replica {
  Replica(log::Log& log, const std::string& path, rocksdb::Env* env = nullptr, size_t commit_bytes = 4 << 20)
      : store(AuditStore::Open({.path = path, .env = env}).value()),
        fold(log, *store, TestLogs::SaltKey(), commit_bytes) {}
  std::unique_ptr<AuditStore> store;
  AuditFold fold;
};

}  // namespace trialog::audit
