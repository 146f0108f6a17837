// The main function of each service's own process; the service is chosen by what is linked (definition.h).
#include "services/process/main.h"

#include "services/single/definition.h"
#include "services/single/single.h"

int main(int argc, char** argv) {
  return trialog::process::Main(
      argc, argv, "One service of Trialog: on Kafka, or alone on an embedded log of its own.",
      [](const trialog::process::Config& config) -> absl::StatusOr<std::unique_ptr<trialog::process::Serving>> {
        return trialog::single::Single::Start(config, trialog::single::kIsAuth, trialog::single::DefinitionOf);
      });
}
