// trialog-trials: the trials service alone.
#include "services/single/definition.h"
#include "services/trials/app/trials_app.h"

namespace trialog::single {

const bool kIsAuth = false;

absl::StatusOr<service::Definition> DefinitionOf(const Parts&) { return trials::TrialsDefinition(); }

}  // namespace trialog::single
