// Which service a process is: each services/<name>/main.cc defines these two.
#pragma once

#include "services/single/single.h"

namespace trialog::single {

extern const bool kIsAuth;
absl::StatusOr<service::Definition> DefinitionOf(const Parts& parts);

}  // namespace trialog::single
