#include "tests/simulation/simulation.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <set>

#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/text/text.h"
#include "platform/verify/checker.h"
#include "rocksdb/env.h"
#include "services/inventory/domain/evolve.h"
#include "services/inventory/domain/invariants.h"
#include "tests/simulation/process.h"
#include "tests/simulation/workload.h"

namespace trialog::testing {
namespace {

constexpr int kMostProcesses = 3;
constexpr int kMostCommands = 4000;  // A run without a crash and a reordering by then is a finding.
constexpr int64_t kMostSteps = 1'000'000;

// A client asks for one command after the other, each until it knows what became of it.
struct Client {
  int command = -1;       // The current one; -1 when at rest.
  bool answered = false;  // It has an OK already: what is sent now is a repeat.
  int sent = 0;           // Attempts for it.
  int64_t attempt = 0;    // The latest; answers to earlier ones count too, their time-outs do not.
};

class World {
 public:
  World(uint64_t seed, const SimulationOptions& options)
      : options_(options),
        runtime_(seed, {.pause_one_in = 400, .longest_pause = absl::Seconds(3)}),
        random_(runtime_.random()),
        faults_(Faults(random_)),
        log_(runtime_, faults_),
        workload_(seed),
        env_(rocksdb::NewMemEnv(rocksdb::Env::Default())),
        clients_(options.clients),
        count_(random_.OneIn(3) ? kMostProcesses : kMostProcesses - 1),
        wanted_(static_cast<int>(random_.Below(count_ + 1))),
        night_(random_.OneIn(8)),
        replicated_(!random_.OneIn(4)) {}

  SimulationResult Run() {
    for (int p = 0; p < static_cast<int>(count_); ++p) Start(p);
    NextCommand(0);  // The first client sets up; the others follow when that is through.
    runtime_.Schedule(absl::Milliseconds(250), [this] { Chaos(); });
    int64_t steps = 0;
    while (!TroubleIsOver() && ++steps < kMostSteps && runtime_.Step()) {
      if (random_.OneIn(5000)) Crash(AnyProcess());
    }
    CalmDown();
    if (!runtime_.RunUntilIdle(kMostSteps)) Finding("the run does not come to an end");
    CheckEnd();
    return Result();
  }

 private:
  // Not every run has every fault: some faults hide others.
  static log::SimulatedLogOptions Faults(SeededRandom& random) {
    log::SimulatedLogOptions faults = log::ManyFaults();
    faults.longest_late = absl::Seconds(5);
    for (uint32_t* fault :
         {&faults.lost_one_in, &faults.late_one_in, &faults.failed_after_append_one_in, &faults.no_offset_one_in,
          &faults.stale_end_one_in, &faults.read_failed_one_in, &faults.hole_one_in}) {
      if (random.OneIn(3)) *fault = 0;
    }
    return faults;
  }

  template <typename... Pieces>
  void Finding(const Pieces&... pieces) {
    findings_.push_back(Cat(pieces...));
  }

  template <typename... Pieces>
  void Trace(const Pieces&... pieces) {
    if (!options_.verbose) return;
    std::fprintf(stderr, "%12.6f %s\n", absl::ToDoubleSeconds(runtime_.Monotonic()), Cat(pieces...).c_str());
  }

  // ---- Processes. ----

  int AnyProcess() { return static_cast<int>(random_.Below(count_)); }

  void Start(int p) {
    if (processes_[p]) return;
    const bool wanted = wanted_ == p;
    Trace("process ", p, " starts", wanted ? ", wanted" : "");
    if (!stores_[p]) stores_[p] = OpenSmallStore(env_.get(), Cat("/store", p, ".", life_[p]));
    OwnerOptions owner{
        .address = Cat("process ", p), .replicated = replicated_, .rivals = replicated_, .bugs = options_.bugs};
    if (options_.position_apart) {
      owner.bugs.fold.dies_before_position = [this, p] {
        const bool dies = !calm_ && random_.OneIn(20);
        if (dies) runtime_.Schedule(absl::ZeroDuration(), [this, p] { Crash(p, true); });
        return dies;
      };
    }
    processes_[p] = std::make_unique<Process>(runtime_, log_, *stores_[p], std::move(owner), wanted);
  }

  void Crash(int p, bool keep_store = false) {
    if (!processes_[p] || calm_) return;
    ++counts_.crashes;
    Trace("process ", p, " crashes");
    processes_[p].reset();
    const uint64_t fate = keep_store ? 1 : random_.Below(8);
    if (fate < 2) stores_[p].reset();  // Read from its files again; opening costs most of a run, so not each time.
    if (fate == 0) {
      ++life_[p];
      ++counts_.stores_lost;
    }
    StartLater(p);
  }

  void StartLater(int p) {
    runtime_.Schedule(random_.UpTo(absl::Seconds(2)), [this, p] { Start(p); });
  }

  void Leave(int p) {
    if (!processes_[p] || processes_[p]->leaving()) return;
    ++counts_.hand_overs;
    Trace("process ", p, " leaves");
    processes_[p]->Leave();
    if (!calm_) AwaitLeaving(p);
  }

  void AwaitLeaving(int p) {
    runtime_.Schedule(absl::Milliseconds(100), [this, p] {
      if (!processes_[p] || !processes_[p]->leaving() || calm_) return;
      if (!processes_[p]->left()) return AwaitLeaving(p);
      processes_[p].reset();
      StartLater(p);
    });
  }

  void Chaos() {
    if (calm_) return;
    switch (asleep_ ? 11 : random_.Below(12)) {
      case 0:
        Crash(AnyProcess());
        break;
      case 1:
        Leave(AnyProcess());
        break;
      case 2:
        JumpClock();
        break;
      case 3:
      case 4:
        Hint();
        break;
      default:
        break;
    }
    runtime_.Schedule(random_.UpTo(absl::Seconds(1)), [this] { Chaos(); });
  }

  // Who shares the work out changes its mind, or believes somebody dead; not all hear of it, nor at once.
  void Hint() {
    if (!replicated_) return;
    ++counts_.hints;
    const int wanted = AnyProcess();
    Trace("process ", wanted, " is to own it");
    for (int p = 0; p < static_cast<int>(count_); ++p) {
      if (random_.OneIn(6)) continue;
      runtime_.Schedule(random_.UpTo(absl::Milliseconds(50)), [this, p, wanted] {
        if (processes_[p] && !processes_[p]->leaving() && !calm_) processes_[p]->Hint(p == wanted);
      });
    }
  }

  // Small jumps are borne; during a large one nobody writes.
  void JumpClock() {
    const absl::Duration most = random_.OneIn(2) ? absl::Seconds(4) : absl::Seconds(30);
    const absl::Duration by = random_.OneIn(2) ? random_.UpTo(most) : -random_.UpTo(most);
    ++counts_.clock_jumps;
    MoveClock(by);
    runtime_.Schedule(random_.UpTo(absl::Seconds(3)), [this, by] {
      if (!calm_) MoveClock(-by);
    });
  }

  void MoveClock(absl::Duration by) {
    clock_off_ += by;
    runtime_.JumpClock(by);
  }

  // ---- Clients. ----

  bool TroubleIsOver() {
    return (next_command_ >= options_.commands && counts_.crashes > 0 && (replicated_ || log_.counts().reordered > 0) &&
            Writers() >= 2) ||
           next_command_ >= kMostCommands || !findings_.empty();
  }

  void NextCommand(int c) {
    if (calm_ || asleep_ || (night_ && next_command_ >= options_.commands / 2)) return Rest(c);
    if (next_command_ == Workload::kSetup) {
      for (int other = 1; other < options_.clients; ++other) NextCommandLater(other);
    }
    clients_[c] = {.command = next_command_++, .attempt = clients_[c].attempt};
    ++counts_.commands;
    Attempt(c);
  }

  void NextCommandLater(int c) {
    clients_[c].command = -1;
    const int64_t attempt = ++clients_[c].attempt;
    runtime_.Schedule(random_.UpTo(absl::Milliseconds(100)), [this, c, attempt] {
      if (clients_[c].attempt == attempt) NextCommand(c);
    });
  }

  // At night no client asks for anything; request ids are forgotten.
  void Rest(int c) {
    clients_[c].command = -1;
    if (calm_ || asleep_) return;
    for (const Client& client : clients_) {
      if (client.command >= 0) return;
    }
    night_ = false;
    asleep_ = true;
    ++counts_.long_nights;
    Trace("a long night");
    runtime_.Schedule(absl::Hours(25), [this] {
      asleep_ = false;
      for (int client = 0; client < options_.clients; ++client) NextCommandLater(client);
    });
  }

  void Attempt(int c) {
    Client& client = clients_[c];
    const int64_t attempt = ++client.attempt;
    const int first = random_.OneIn(8) ? AnyProcess() : answering_;
    Send(c, first, false);
    if (random_.OneIn(20)) Send(c, AnyProcess(), false);
    if (client.answered && random_.OneIn(3)) Send(c, AnyProcess(), true);
    runtime_.Schedule(absl::Seconds(1) + random_.UpTo(absl::Seconds(1)), [this, c, attempt] {
      if (clients_[c].attempt != attempt || clients_[c].command < 0) return;
      ++counts_.unknown;
      Attempt(c);
    });
  }

  void AttemptLater(int c) {
    const int64_t attempt = ++clients_[c].attempt;
    runtime_.Schedule(random_.UpTo(absl::Milliseconds(200)), [this, c, attempt] {
      if (clients_[c].attempt == attempt) Attempt(c);
    });
  }

  void Send(int c, int p, bool other_content) {
    Client& client = clients_[c];
    const int number = client.command;
    ++counts_.attempts;
    if (!other_content) ++client.sent;
    journal_.sent.insert(Workload::RequestKey(number));
    auto command = std::make_shared<std::unique_ptr<Command>>(other_content ? workload_.MakeOther(number)
                                                                            : workload_.Make(number));
    (*command)->deadline = runtime_.Now() + absl::Seconds(1) + random_.UpTo(absl::Seconds(2));
    const bool repeats = client.answered;  // It is sent by who knows the outcome.
    (*command)->done = [this, c, p, number, other_content, repeats](absl::StatusOr<Outcome> outcome) {
      answering_ = outcome.ok() || !IsRetryable(outcome.status()) ? p : AnyProcess();
      if (const std::string owner = OwnerAddressOf(outcome.status()); !owner.empty()) {
        ++counts_.passed_on;
        answering_ = owner.back() - '0';
      }
      if (random_.OneIn(50)) return;  // The answer is lost on its way.
      runtime_.Schedule(random_.UpTo(absl::Milliseconds(2)),
                        [this, c, number, other_content, repeats, outcome = std::move(outcome)] {
                          other_content ? OnOtherAnswer(number, outcome) : OnAnswer(c, number, repeats, outcome);
                        });
    };
    runtime_.Schedule(random_.UpTo(absl::Milliseconds(2)), [this, p, command] {
      if (processes_[p]) processes_[p]->Submit(std::move(*command));
    });
  }

  void OnOtherAnswer(int number, const absl::StatusOr<Outcome>& outcome) {
    if (outcome.ok()) Finding("request #", number, ": another content got its outcome");
    counts_.reused += ReasonOf(outcome.status()) == "REQUEST_ID_REUSED";
  }

  void OnAnswer(int c, int number, bool repeats, const absl::StatusOr<Outcome>& outcome) {
    Client& client = clients_[c];
    const std::string key = Workload::RequestKey(number);
    const bool current = client.command == number;
    Trace("client ", c, " command ", number, ": ",
          outcome.ok() ? Cat("at ", outcome->offset) : outcome.status().ToString());
    if (outcome.ok()) {
      journal_.acknowledged[key].push_back(*outcome);
      counts_.joined += outcome->repeated;
      if (!current) return;
      counts_.acknowledged += !client.answered;
      const bool repeat = !client.answered && random_.OneIn(6);
      client.answered = true;
      return repeat ? AttemptLater(c) : NextCommandLater(c);
    }
    if (!current) return;
    if (IsRetryable(outcome.status())) {
      counts_.unknown += absl::IsUnavailable(outcome.status());
      return AttemptLater(c);
    }
    if (client.answered) {
      // Of two attempts under way the earlier may be refused, and that heard of last.
      if (repeats) Finding("request ", key, ": refused after it was acknowledged: ", outcome.status().ToString());
      return NextCommandLater(c);
    }
    ++counts_.refused;
    if (client.sent == 1) journal_.refused.insert(key);
    NextCommandLater(c);
  }

  // How many processes wrote commands into the log. An owner's id is one claim's; the address is the process's.
  size_t Writers() {
    const auto& landed = log_.Landed(std::string(inventory::InventoryDomain().service), Workload::Partition());
    for (; looked_at_ < landed.size(); ++looked_at_) {
      const auto record = log::ParseRecord(landed[looked_at_].bytes, landed[looked_at_].offset);
      if (!record.ok()) continue;
      if (record->has_claim()) address_of_[record->claim().owner()] = record->claim().address();
      if (record->has_data()) writers_.insert(address_of_[record->data().owner()]);
    }
    return writers_.size();
  }

  // ---- The end. ----

  // No more faults; the clock is set and all start again; one process stays, the others hand over.
  void CalmDown() {
    calm_ = true;
    log_.Calm();
    MoveClock(-clock_off_);
    Trace("calm");
    wanted_ = AnyProcess();
    for (int p = 0; p < static_cast<int>(count_); ++p) {
      processes_[p].reset();
      Start(p);
    }
    for (int p = 0; p < static_cast<int>(count_); ++p) {
      if (p != wanted_) Leave(p);
    }
  }

  void CheckEnd() {
    for (int c = 0; c < options_.clients; ++c) {
      if (clients_[c].command >= 0) Finding("client ", c, " never learns what became of command ", clients_[c].command);
    }
    if (counts_.crashes == 0) Finding("no process crashed");
    if (!replicated_ && log_.counts().reordered == 0) Finding("no record overtook another");
    if (Writers() < 2) Finding("all commands were written by one process");
    std::unique_ptr<view::Store> replay = OpenSmallStore(env_.get(), "/replay");
    CheckOptions check{
        .domain = &inventory::InventoryDomain(), .log = &log_, .replay = replay.get(), .journal = &journal_};
    check.rules.admit = options_.bugs.fold.admit;
    check.invariants = [](const view::State& state) { return inventory::CheckInvariants(state, 10); };
    for (int p = 0; p < static_cast<int>(count_); ++p) {
      if (absl::Status failure = processes_[p]->owner().failure(); !failure.ok()) Finding(failure.ToString());
      if (p != wanted_ && !processes_[p]->left()) Finding("process ", p, " never hands over");
      check.stores.push_back(stores_[p].get());
    }
    for (const std::string& finding : Check(check)) Finding(finding);
  }

  SimulationResult Result() {
    counts_.log = log_.counts();
    counts_.pauses = runtime_.pauses();
    std::string all;
    for (const auto& record : log_.Landed(std::string(inventory::InventoryDomain().service), Workload::Partition())) {
      all += log::RecordHash(record.bytes);
    }
    counts_.claims = static_cast<int64_t>(stores_[0]->fold(Workload::Partition()).term());
    return {std::move(findings_), counts_, log::RecordHash(all)};
  }

  const SimulationOptions options_;
  SimulatedRuntime runtime_;
  SeededRandom& random_;
  const log::SimulatedLogOptions faults_;
  log::SimulatedLog log_;
  const Workload workload_;
  const std::unique_ptr<rocksdb::Env> env_;
  std::vector<Client> clients_;
  const uint64_t count_;  // Of processes.
  int answering_ = 0;     // The process that clients ask first.
  int wanted_;            // The process that should own; none when it is count_.
  bool night_;            // Still to come.
  const bool replicated_;
  bool asleep_ = false;
  absl::Duration clock_off_;
  bool calm_ = false;
  int next_command_ = 0;
  int life_[kMostProcesses] = {};
  std::unique_ptr<view::Store> stores_[kMostProcesses];
  std::unique_ptr<Process> processes_[kMostProcesses];
  size_t looked_at_ = 0;  // Records of the log, for Writers.
  std::map<std::string, std::string> address_of_;
  std::set<std::string> writers_;
  ClientJournal journal_;
  SimulationCounts counts_;
  std::vector<std::string> findings_;
};

}  // namespace

SimulationCounts& SimulationCounts::operator+=(const SimulationCounts& other) {
  log += other.log;
  commands += other.commands, attempts += other.attempts, acknowledged += other.acknowledged, refused += other.refused;
  unknown += other.unknown, joined += other.joined, reused += other.reused, claims += other.claims;
  crashes += other.crashes, stores_lost += other.stores_lost, hand_overs += other.hand_overs, pauses += other.pauses;
  hints += other.hints, passed_on += other.passed_on;
  clock_jumps += other.clock_jumps, long_nights += other.long_nights;
  return *this;
}

std::string SimulationCounts::ToString() const {
  return Cat("clients: commands ", commands, ", attempts ", attempts, ", acknowledged ", acknowledged, ", refused ",
             refused, ", unknown ", unknown, ", first outcome again ", joined, ", request id reused ", reused,
             "\nprocesses: claims ", claims, ", crashes ", crashes, ", stores lost ", stores_lost, ", hand-overs ",
             hand_overs, ", hints ", hints, ", passed on ", passed_on, ", pauses ", pauses, ", clock jumps ",
             clock_jumps, ", long nights ", long_nights, "\nlog: ", log.ToString());
}

std::string SimulationCounts::NeverHappened() const {
  std::string never;
  const std::string all = ToString();
  for (std::string_view line : Split(all, '\n')) {
    for (std::string_view count : Split(line, ',')) {
      if (count.size() < 2 || count.substr(count.size() - 2) != " 0") continue;
      Append(never, never.empty() ? "" : ", ", count.substr(0, count.size() - 2));
    }
  }
  return never;
}

SimulationResult Simulate(uint64_t seed, const SimulationOptions& options) { return World(seed, options).Run(); }

}  // namespace trialog::testing
