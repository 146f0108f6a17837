// The services that the demo calls, as the beginnings of their methods' names.
#pragma once

namespace trialog::ctl::demo {

inline constexpr char kAnalyses[] = "trialog.analytics.v1.AnalysisService/";
inline constexpr char kCohorts[] = "trialog.analytics.v1.CohortService/";
inline constexpr char kDatasets[] = "trialog.analytics.v1.DatasetService/";
inline constexpr char kAudit[] = "trialog.audit.v1.AuditService/";
inline constexpr char kStock[] = "trialog.inventory.v1.InventoryService/";
inline constexpr char kSamples[] = "trialog.inventory.v1.SampleService/";
inline constexpr char kCaptures[] = "trialog.trials.v1.DataCaptureService/";
inline constexpr char kMedication[] = "trialog.trials.v1.MedicationService/";
inline constexpr char kMessages[] = "trialog.trials.v1.MessagingService/";
inline constexpr char kTrials[] = "trialog.trials.v1.TrialService/";

}  // namespace trialog::ctl::demo
