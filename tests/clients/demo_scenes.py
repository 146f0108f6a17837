"""What the demo tells of its four scenes."""
import re

# What each scene must tell, in this order: its calls, indented, and its words as patterns.
SCENES = {
    "A, biobank": r"""
    AuthService/Login
  the technician signs in
    InventoryService/WatchInventoryItems
    InventoryService/ListInventoryItems
  the technician lists stock by last update: 5 on the first page
    SampleService/CreateSample
    InventoryService/ReceiveStock
  the manager's watch shows the new item
    InventoryService/MoveStock
  the manager's watch shows the move
    SampleService/GetSample
  a patient reads another patient's sample: NOT_FOUND NOT_FOUND
    AuditService/ListEntries
  its audit entry: .*GetSample.* \({organization}/users/patient-1\)
""",
    "B, statistics": r"""
    AuthService/Login
  the statistician, who has registered by invitation, signs in
    DatasetService/CreateDataset
    DatasetService/PublishVersion
    DatasetService/ShareDataset
  the statistician creates a dataset of 40 rows, shared with a colleague
    CohortService/CreateCohort
    CohortService/FreezeCohort
    AnalysisService/WatchAnalyses
    AnalysisService/RequestAnalysis
    AnalysisService/ListAnalyses
  the statistician lists the cohort's requests: 1
  the watch shows ages: STATE_SUCCEEDED
    AnalysisService/ReleaseAnalysis
  the custodian releases it, and the watch shows it: STATE_RELEASED
    AnalysisService/GetAnalysisResult
  the statistician reads it: age, n 20, mean 59.0
    MessagingService/WatchMessages
    MessagingService/SendMessage
  the statistician messages a colleague, whose watch shows it
    PatientService/GetPatient
  the statistician reads a patient's record: PERMISSION_DENIED ROLE_MISSING
    AuditService/ListEntries
  its audit entry: .*GetPatient.* \({organization}/users/statistician\)
""",
    "C, trial medication": r"""
    AuthService/Login
  the patient signs in
    NotificationService/WatchNotifications
    MedicationService/FinalizeMedicationDistribution
  .*; the patient is alerted: NOTIFICATION_KIND_DISTRIBUTION_AVAILABLE
    PatientService/GetMyProfile
    MedicationService/ListMedicationOrders
  the patient lists orders, latest first: 1
    MedicationService/ListMedicationDistributions
  the patient lists distributions, latest first: 1
    MedicationService/LogAdherence
    MedicationService/ListAdherenceLogs
  the patient lists the doses logged: 1
    MedicationService/RecordProtocolAdherence
    MessagingService/WatchMessages
    MessagingService/SendMessage
  the patient messages the clinician, whose watch shows it
    MedicationService/CreateMedicationDistribution
    MedicationService/FinalizeMedicationDistribution
  the clinician finalizes a distribution; the patient is alerted: NOTIFICATION_KIND_DISTRIBUTION_AVAILABLE
    MedicationService/AcknowledgeMedicationDistribution
    MedicationService/CreateMedicationOrder
    MedicationService/ActivateMedicationOrder
  the clinician publishes an order; the patient is alerted: NOTIFICATION_KIND_MEDICATION_ORDER_ACTIVE
    MedicationService/AddFeedback
    MedicationService/AcknowledgeMedicationOrder
    PatientService/GetPatient
  the patient reads another patient's record: NOT_FOUND NOT_FOUND
    AuditService/ListEntries
  its audit entry: .*GetPatient.* \({organization}/users/patient-1\)
""",
    "D, trial data capture": r"""
    AuthService/Login
  the participant signs in
    NotificationService/WatchNotifications
    PatientService/GetMyProfile
    DataCaptureService/ListDataCaptures
  the participant lists captures, latest first: 3
    TrialService/ListTrials
  an active trial: .*
    MessagingService/WatchMessages
    MessagingService/SendMessage
  the participant messages the researcher, whose watch shows it
    DataCaptureService/WatchDataCaptures
    DataCaptureService/CreateDataCapture
  the clinician enters a capture; the participant's watch shows it
    DataCaptureService/FinalizeDataCapture
  the clinician finalizes it; the participant is alerted: NOTIFICATION_KIND_DATA_CAPTURE_RECORDED
    DataCaptureService/AcknowledgeDataCapture
    TrialService/PublishTrialEvent
  the researcher publishes a trial event; the participant is alerted: NOTIFICATION_KIND_TRIAL_EVENT_PUBLISHED
    TrialService/AcknowledgeTrialEvent
    DataCaptureService/GetLatestDataCapture
    DataCaptureService/GetDataCapture
  the participant reads another patient's capture: NOT_FOUND NOT_FOUND
    AuditService/ListEntries
  its audit entry: .*GetDataCapture.* \({organization}/users/patient-\d+\)
""",
}


def check_scenes(organization, printed):
    """Each scene told what it must, in order."""
    told = re.split(r"^(?:scene |figures, as )(.*)\n", printed, flags=re.MULTILINE)
    scenes = dict(zip(told[1::2], told[2::2]))
    for scene, expected in SCENES.items():
        lines = iter(scenes[scene].splitlines())
        for pattern in expected.strip("\n").replace("{organization}", organization.name).splitlines():
            assert any(re.fullmatch(pattern, line) for line in lines), f"{scene}: no {pattern!r}\n{scenes[scene]}"
