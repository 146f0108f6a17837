// Signed notes, verifier keys and checkpoints: exactly one spelling, and no text that a known key has not signed.
#include "platform/sealing/note.h"

#include "platform/errors/errors.h"
#include "platform/sealing/encoding.h"
#include "platform/text/text.h"
#include "services/audit/tree/checkpoint.h"
#include "tests/fuzz/fuzz.h"

namespace trialog::fuzz {
namespace {

constexpr std::string_view kText = "trialog.example/log\n12\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";

sealing::NoteSigner SignerOf(char seed) {
  return sealing::NoteSigner::FromSeed("trialog.example/log", *sealing::SecretKey::FromBytes(std::string(32, seed)))
      .value();
}
const sealing::NoteSigner& Signer() {
  static const sealing::NoteSigner signer = SignerOf('a');
  return signer;
}
const sealing::NoteSigner& Stranger() {
  static const sealing::NoteSigner signer = SignerOf('b');
  return signer;
}

std::string Printed(const sealing::Note& note) {
  std::string out = note.text + '\n';
  for (const sealing::NoteSignature& signature : note.signatures) {
    Append(out, "\u2014 ", signature.name, ' ', sealing::Base64(Big(signature.key_hash, 4) + signature.signature),
           '\n');
  }
  return out;
}

void CheckNote(std::string_view text) {
  const auto note = sealing::ParseNote(text);
  const auto opened = sealing::OpenNote(text, {Signer().verifier()});
  if (!note.ok()) {
    Require(ReasonOf(note.status()) == "NOTE_MALFORMED" && !opened.ok(), "what is no note does not open");
    return;
  }
  Require(Printed(*note) == text, "a note is written as it was read");
  Require(!opened.ok() || *opened == kText, "a note opens only with the text that was signed");
  Require(opened.ok() || ReasonOf(opened.status()) == "NOTE_UNVERIFIED", "a note of strangers is unverified");
}

void CheckVerifier(std::string_view text) {
  const auto verifier = sealing::NoteVerifier::FromText(text);
  if (verifier.ok()) Require(verifier->Text() == text, "a verifier key is written as it was read");
}

void CheckCheckpoint(std::string_view text) {
  const auto checkpoint = audit::ParseCheckpoint(text);
  if (!checkpoint.ok()) {
    return Require(ReasonOf(checkpoint.status()) == "CHECKPOINT_MALFORMED", "what is no checkpoint is named so");
  }
  Require(audit::CheckpointText(*checkpoint) == text, "a checkpoint is written as it was read");
  Require(checkpoint->root.size() == 32, "a root is a hash");
}

}  // namespace

std::vector<std::string> Seeds() {
  const std::string both = sealing::SignNote(kText, {&Stranger(), &Signer()}).value();
  return {sealing::SignNote(kText, {&Signer()}).value(),
          sealing::SignNote(kText, {&Stranger()}).value(),
          sealing::SignNote("another\n\ntext\n", {&Stranger()}).value(),
          both,
          Signer().verifier().Text(),
          std::string(kText),
          Cat(kText, "extension\n"),
          "\n\n\u2014 a AAAAAAA=\n"};
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  trialog::fuzz::CheckNote(text);
  trialog::fuzz::CheckVerifier(text);
  trialog::fuzz::CheckCheckpoint(text);
  return 0;
}
