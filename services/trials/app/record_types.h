// How each kind of record of the trials service is served: who sees it, whose key seals it, what filters may name.
// Internal to this folder.
#pragma once

#include "platform/service/resource.h"

namespace trialog::trials {

extern const service::ResourceType kPatientType;
extern const service::ResourceType kResearcherType;
extern const service::ResourceType kTrialType;
extern const service::ResourceType kTrialEventType;
extern const service::ResourceType kSubjectType;
extern const service::ResourceType kDataCaptureType;
extern const service::ResourceType kMedicationOrderType;
extern const service::ResourceType kMedicationDistributionType;
extern const service::ResourceType kAdherenceLogType;
extern const service::ResourceType kProtocolAdherenceType;
extern const service::ResourceType kThreadType;
extern const service::ResourceType kMessageType;
extern const service::ResourceType kAppointmentType;
extern const service::ResourceType kNotificationType;
extern const service::ResourceType kPreferencesType;

}  // namespace trialog::trials
