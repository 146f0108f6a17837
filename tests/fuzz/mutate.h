// Changing inputs: bytes without knowing what they are, and protobuf messages by their descriptors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "google/protobuf/message.h"

namespace trialog::fuzz {

using Random = std::mt19937_64;

// A number below `count`, which is not 0.
inline size_t Pick(Random& random, size_t count) { return static_cast<size_t>(random() % count); }

// Makes one to four changes: bits, bytes, numbers, pieces taken out, doubled or brought in from `others`.
void MutateBytes(std::string& bytes, Random& random, const std::vector<std::string>& others);

// Makes one change at any depth: a field cleared, set, filled or brought to a limit; an element added, removed, moved.
// Texts stay UTF-8.
void MutateMessage(google::protobuf::Message& message, Random& random);

// For LLVMFuzzerCustomMutator of a fuzzer whose input is two bytes that choose one of `types` (modulo their number) and
// then a serialised message of that type. Mostly changes the message, sometimes its type or its bytes. Returns the new
// size.
size_t MutateChosenMessage(uint8_t* data, size_t size, size_t max_size, unsigned seed,
                           const std::vector<const google::protobuf::Message*>& types);

// Seeds for such a fuzzer: an empty and some filled messages of each type.
std::vector<std::string> ChosenMessageSeeds(const std::vector<const google::protobuf::Message*>& types, int variants);

// The same for an input of one byte and then messages, each as Part writes it. `type_of` gives the type of the message
// at `index`, null beyond the last; `first` is the first byte. With `fixed` their number stays, else messages are also
// added, taken out, doubled and moved.
struct MessageList {
  std::function<const google::protobuf::Message*(uint8_t first, size_t index)> type_of;
  bool fixed = false;
};
size_t MutateMessageList(uint8_t* data, size_t size, size_t max_size, unsigned seed, const MessageList& list);

// Writes `input` to `data` if it fits; returns its size, or 0.
size_t GiveBack(const std::string& input, uint8_t* data, size_t max_size);

}  // namespace trialog::fuzz

// libFuzzer's own change of bytes; under our driver it is MutateBytes.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);
