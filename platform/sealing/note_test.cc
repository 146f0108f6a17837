#include "platform/sealing/note.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/sealing/encoding.h"
#include "platform/sealing/utf8.h"
#include "platform/text/text.h"

namespace trialog::sealing {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::StartsWith;

NoteSigner Signer(std::string_view name = "trialog.example/audit", char fill = 's') {
  return NoteSigner::FromSeed(name, *SecretKey::FromBytes(std::string(32, fill))).value();
}

std::string Signed(std::string_view text, const NoteSigner& signer) { return SignNote(text, {&signer}).value(); }

TEST(Ed25519, GivesTheKnownAnswerOfRfc8032) {
  // Section 7.1, test 2.
  const auto signer = NoteSigner::FromSeed(
      "x", *SecretKey::FromBytes(*FromHex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")));
  ASSERT_TRUE(signer.ok());
  EXPECT_EQ(Hex(signer->verifier().public_key()), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  EXPECT_EQ(
      Hex(signer->Sign("\x72")),
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
      "b00d291612bb0c00");
}

TEST(NoteVerifier, ReadsAndVerifiesThePublishedExample) {
  // The example of Go's golang.org/x/mod/sumdb/note documentation.
  auto verifier = NoteVerifier::FromText("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
  ASSERT_TRUE(verifier.ok()) << verifier.status();
  EXPECT_EQ(verifier->Text(), "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
  const std::string note =
      "If you think cryptography is the answer to your problem,\n"
      "then you don't know what your problem is.\n"
      "\n"
      "\u2014 PeterNeumann "
      "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
  auto text = OpenNote(note, {*verifier});
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_THAT(*text, EndsWith("your problem is.\n"));
}

TEST(NoteVerifier, MalformedKeysAreRefused) {
  const std::string good = Signer().verifier().Text();
  EXPECT_TRUE(NoteVerifier::FromText(good).ok());
  for (const std::string& text :
       {std::string(), std::string("name"), std::string("name+00000000"), good + "=", "x" + good, good.substr(1),
        std::string("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
        std::string("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")}) {
    EXPECT_EQ(ReasonOf(NoteVerifier::FromText(text).status()), "VERIFIER_MALFORMED") << text;
  }
  for (std::string_view name : {"", "a b", "a+b", "a\nb", "a\u00a0b", "a\u3000b", "\xff"}) {
    EXPECT_FALSE(NoteVerifier::FromPublicKey(name, std::string(32, 'k')).ok()) << name;
  }
}

TEST(Note, IsTextGapAndSignatureLines) {
  const NoteSigner signer = Signer();
  const std::string note = Signed("one\n\ntwo\n", signer);
  EXPECT_THAT(note, StartsWith("one\n\ntwo\n\n\u2014 trialog.example/audit "));
  auto parsed = ParseNote(note);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->text, "one\n\ntwo\n");
  ASSERT_EQ(parsed->signatures.size(), 1u);
  EXPECT_EQ(parsed->signatures[0].key_hash, signer.verifier().key_hash());
  EXPECT_EQ(OpenNote(note, {signer.verifier()}).value(), "one\n\ntwo\n");
}

TEST(Note, SignaturesOfUnknownKeysAreIgnoredAndOfKnownOnesMustHold) {
  const NoteSigner log = Signer(), witness = Signer("witness", 'w');
  const std::string note = SignNote("text\n", {&log, &witness}).value();
  EXPECT_TRUE(OpenNote(note, {log.verifier()}).ok());
  EXPECT_TRUE(OpenNote(note, {witness.verifier()}).ok());
  EXPECT_EQ(ReasonOf(OpenNote(note, {Signer("other").verifier()}).status()), "NOTE_UNVERIFIED");
  EXPECT_EQ(ReasonOf(OpenNote(note, {}).status()), "NOTE_UNVERIFIED");
  std::string changed = note;
  changed[0] = 'T';
  EXPECT_EQ(ReasonOf(OpenNote(changed, {log.verifier()}).status()), "NOTE_UNVERIFIED");
  // The right name and hash over another text, beside a good signature.
  const std::string other = Signed("other\n", witness);
  const std::string mixed = Signed("text\n", log) + other.substr(other.find("\u2014"));
  EXPECT_TRUE(OpenNote(mixed, {log.verifier()}).ok());
  EXPECT_EQ(ReasonOf(OpenNote(mixed, {log.verifier(), witness.verifier()}).status()), "NOTE_UNVERIFIED");
}

TEST(Note, TextsThatCannotBeSignedAreRefused) {
  const NoteSigner signer = Signer();
  for (const std::string& text :
       {std::string(), std::string("no newline"), std::string("tab\there\n"), std::string("\xff\n"),
        std::string("nul\0\n", 5), std::string(kMaxNoteBytes, 'x') + "\n"}) {
    EXPECT_EQ(ReasonOf(SignNote(text, {&signer}).status()), "NOTE_MALFORMED");
  }
  EXPECT_EQ(ReasonOf(SignNote("text\n", {}).status()), "NOTE_MALFORMED");
}

TEST(Note, OtherFormsAreMalformed) {
  const std::string good = Signed("text\n", Signer());
  const std::string line = good.substr(6);
  for (const std::string& note :
       {std::string(), std::string("text\n"), std::string("text\n\n"), good.substr(0, good.size() - 1), good + "\n",
        good + "x\n", "text\n" + line, std::string("text\n\n- name AAAAAAA=\n"), std::string("text\n\n\u2014 name\n"),
        std::string("text\n\n\u2014 name \n"), std::string("text\n\n\u2014  AAAAAAA=\n"),
        std::string("text\n\n\u2014 name AAAAAA==\n"), std::string("text\n\n\u2014 a+b AAAAAAA=\n"),
        std::string("text\n\n\u2014 name AAAAAAA= \n")}) {
    EXPECT_EQ(ReasonOf(ParseNote(note).status()), "NOTE_MALFORMED") << note;
  }
  std::string many = "text\n\n";
  for (int i = 0; i < 101; ++i) many += line;
  EXPECT_EQ(ReasonOf(ParseNote(many).status()), "NOTE_MALFORMED");
}

TEST(Utf8, IsCheckedAsRfc3629Says) {
  for (std::string_view text : {"", "a", "\u00e9", "\u20ac", "\U0001f600", "\U0010ffff"})
    EXPECT_TRUE(IsValidUtf8(text));
  for (std::string_view text : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff",
                                "\xf8\x88\x80\x80\x80", "a\xe2\x82"}) {
    EXPECT_FALSE(IsValidUtf8(text));
  }
}

}  // namespace
}  // namespace trialog::sealing
