// The public stream of a service: a pure function of its admitted private log. Marked events only, without their sealed
// parts; the same for other services, EventService and the relay.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/message.h"
#include "trialog/event/v1/record.pb.h"

namespace trialog::view {

// The default instance of a service's event message, "trialog.<service>.v1.<Service>Event"; null when this program does
// not link it.
const google::protobuf::Message* EventPrototype(std::string_view service);

// Whether any kind of the service's events is public.
bool HasPublicEvents(const google::protobuf::Message& prototype);

// The public events of an admitted record, in order. `prototype` as above. Events of a kind that this build does not
// know are left out: nobody here could read them, and whoever can finds them in the same place.
std::vector<event::v1::PublicEvent> PublicEvents(std::string_view service, const google::protobuf::Message& prototype,
                                                 int partition, int64_t offset, const event::v1::Data& data);

}  // namespace trialog::view
