// Notices that follow from events of inventory and analytics. Told is who may see the record by those services' rules,
// as far as their public events and the grants say: never a patient, for what links one to a sample is sealed.
#include <set>

#include "google/protobuf/util/time_util.h"
#include "services/trials/domain/concerns.h"
#include "services/trials/domain/notice_handlers.h"
#include "services/trials/domain/tables_care.h"
#include "trialog/analytics/v1/events.pb.h"
#include "trialog/inventory/v1/events.pb.h"

namespace trialog::trials {
namespace {

using analytics::v1::Analysis;

// Grants of a role looked at in each scope.
constexpr size_t kMostHolders = 500;

// Whether the user has such a notice that was neither acknowledged nor is over: it stands for what happens until then,
// or a busy store would send each of its managers thousands a day.
bool IsToldAlready(const Notices& notices, std::string_view user, v1::NotificationKind kind, std::string_view record) {
  constexpr size_t kLooks = 8;
  const std::string key = view::GroupPrefix(OpenNoticeKey(user, kind, record));
  for (const auto& found : notices.state.Scan(kOpenNotices, key, kLooks)) {
    const auto open = notices.state.Get<v1::Notification>(kNotifications, found.name);
    if (open && notices.cause.record_time() < open->expire_time()) return true;
  }
  return false;
}

// Managers of the biobank, providers assigned to it, and who registered the sample or took the stock in.
void TellBiobank(std::string_view record, v1::NotificationKind kind, Notices& notices) {
  const std::string_view biobank = ParentOf(record);
  const auto& time = notices.cause.record_time();
  const auto managers = HoldersOf(notices.state, ROLE_BIOBANK_MANAGER, biobank, time, kMostHolders);
  std::set<std::string> told(managers.begin(), managers.end());
  for (const std::string& provider : ConcernedWith(notices.state, biobank)) {
    if (GrantsKeptOf(notices.state, provider, time).HasAnywhere(ROLE_PROVIDER)) told.insert(provider);
  }
  for (const std::string& creator : ConcernedWith(notices.state, record)) {
    const Principal principal = GrantsKeptOf(notices.state, creator, time);
    if (principal.HasAnywhere(ROLE_BIOBANK_MANAGER) || principal.HasAnywhere(ROLE_LAB_TECHNICIAN) ||
        principal.HasAnywhere(ROLE_PROVIDER)) {
      told.insert(creator);
    }
  }
  std::erase_if(told, [&](const std::string& user) { return IsToldAlready(notices, user, kind, record); });
  notices.TellAll({told.begin(), told.end()}, kind, record);
}

void OnReceived(const inventory::v1::StockReceived& event, Notices& notices) {
  TellBiobank(event.inventory_item().name(), v1::NOTIFICATION_KIND_STOCK_RECEIVED, notices);
}

template <typename Kind, v1::NotificationKind kind>
void OnMovement(const Kind& event, Notices& notices) {
  TellBiobank(ParentOf(event.movement()), kind, notices);
}

void OnTransitioned(const inventory::v1::SampleTransitioned& event, Notices& notices) {
  TellBiobank(event.sample(), v1::NOTIFICATION_KIND_SAMPLE_STATE_CHANGED, notices);
}

// That a result was computed is not public, so who is to decide about it is told when it is asked for.
void OnRequested(const analytics::v1::AnalysisRequested& event, Notices& notices) {
  const Analysis& analysis = event.analysis();
  if (analysis.release_policy() != analytics::v1::RELEASE_POLICY_CUSTODIAN) return;
  auto custodians =
      HoldersOf(notices.state, ROLE_DATA_CUSTODIAN, analysis.name(), notices.cause.record_time(), kMostHolders);
  std::erase(custodians, analysis.requester());  // Decides about another's results only.
  notices.TellAll(custodians, v1::NOTIFICATION_KIND_ANALYSIS_REQUESTED, analysis.name());
}

void OnMoved(const analytics::v1::AnalysisMoved& event, Notices& notices) {
  v1::NotificationKind kind;
  if (event.state() == Analysis::STATE_RELEASED) {
    kind = v1::NOTIFICATION_KIND_ANALYSIS_RELEASED;
  } else if (event.state() == Analysis::STATE_WITHHELD) {
    kind = v1::NOTIFICATION_KIND_ANALYSIS_WITHHELD;
  } else if (event.state() == Analysis::STATE_FAILED) {
    kind = v1::NOTIFICATION_KIND_ANALYSIS_FAILED;
  } else {
    return;
  }
  for (const std::string& requester : ConcernedWith(notices.state, event.name())) {
    if (GrantsKeptOf(notices.state, requester, notices.cause.record_time()).Has(ROLE_ANALYST, event.name())) {
      notices.Tell(requester, kind, event.name());
    }
  }
}

}  // namespace

const NoticeHandlers& ForeignNoticeHandlers() {
  using namespace inventory::v1;
  static const auto* const handlers = new NoticeHandlers{
      HandlerOf<StockReceived, OnReceived>(),
      HandlerOf<StockMoved, OnMovement<StockMoved, v1::NOTIFICATION_KIND_STOCK_MOVED>>(),
      HandlerOf<StockAdjusted, OnMovement<StockAdjusted, v1::NOTIFICATION_KIND_STOCK_ADJUSTED>>(),
      HandlerOf<StockIssued, OnMovement<StockIssued, v1::NOTIFICATION_KIND_STOCK_ISSUED>>(),
      HandlerOf<StockReturned, OnMovement<StockReturned, v1::NOTIFICATION_KIND_STOCK_RETURNED>>(),
      HandlerOf<SampleTransitioned, OnTransitioned>(),
      HandlerOf<analytics::v1::AnalysisRequested, OnRequested>(),
      HandlerOf<analytics::v1::AnalysisMoved, OnMoved>(),
  };
  return *handlers;
}

}  // namespace trialog::trials
