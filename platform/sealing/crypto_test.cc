// Known answers come from the standards named at each test.
#include <random>

#include "gtest/gtest.h"
#include "platform/sealing/aead.h"
#include "platform/sealing/digest.h"
#include "platform/sealing/encoding.h"

namespace trialog::sealing {
namespace {

std::string Unhex(std::string_view text) { return FromHex(text).value(); }
SecretKey Key(char fill) { return *SecretKey::FromBytes(std::string(32, fill)); }

TEST(Aead, GivesTheKnownAnswerOfTheGcmSpecification) {
  // McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16 (AES-256, 20 bytes of associated data).
  const SecretKey key =
      *SecretKey::FromBytes(Unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"));
  const std::string nonce = Unhex("cafebabefacedbaddecaf888");
  const std::string aad = Unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const std::string plaintext = Unhex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
      "ba637b39");
  EXPECT_EQ(
      Hex(AeadSeal(key, nonce, aad, plaintext)),
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0"
      "abcc9f662"
      "76fc6ece0f4e1768cddf8853bb2d551b");
  EXPECT_EQ(AeadOpen(key, nonce, aad, AeadSeal(key, nonce, aad, plaintext)), plaintext);
}

TEST(Aead, EveryChangedBitIsNoticed) {
  const std::string nonce(kNonceSize, 'n');
  const std::string sealed = AeadSeal(Key('k'), nonce, "record", "value");
  for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string damaged = sealed;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(AeadOpen(Key('k'), nonce, "record", damaged), std::nullopt) << bit;
  }
  EXPECT_EQ(AeadOpen(Key('l'), nonce, "record", sealed), std::nullopt);
  EXPECT_EQ(AeadOpen(Key('k'), std::string(kNonceSize, 'm'), "record", sealed), std::nullopt);
  EXPECT_EQ(AeadOpen(Key('k'), nonce, "another", sealed), std::nullopt);
  EXPECT_EQ(AeadOpen(Key('k'), nonce, "record", ""), std::nullopt);
  EXPECT_EQ(AeadOpen(Key('k'), nonce, "record", sealed.substr(1)), std::nullopt);
  EXPECT_EQ(AeadOpen(Key('k'), "short", "record", sealed), std::nullopt);
}

TEST(Aead, AnEmptyValueIsSealedToo) {
  const std::string nonce(kNonceSize, 'n');
  const std::string sealed = AeadSeal(Key('k'), nonce, "", "");
  EXPECT_EQ(sealed.size(), kTagSize);
  EXPECT_EQ(AeadOpen(Key('k'), nonce, "", sealed), "");
}

TEST(Sha256, GivesTheKnownAnswersOfFips180) {
  EXPECT_EQ(Hex(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Hex(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256({"a", "", "bc"}), Sha256("abc"));
}

TEST(HmacSha256, GivesTheKnownAnswersOfRfc4231) {
  EXPECT_EQ(Hex(HmacSha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(Hex(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(Hex(HmacSha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HkdfSha256, IsExtractThenExpandOfRfc5869) {
  const SecretKey key = Key('k');
  const std::string extracted = HmacSha256("salt", key.bytes());
  EXPECT_EQ(HkdfSha256(key, "salt", "purpose").bytes(), HmacSha256(extracted, std::string("purpose") + '\x01'));
  EXPECT_NE(HkdfSha256(key, "salt", "purpose").bytes(), HkdfSha256(key, "salt", "other").bytes());
}

TEST(ConstantTimeEqual, ComparesLengthAndContent) {
  EXPECT_TRUE(ConstantTimeEqual("", ""));
  EXPECT_TRUE(ConstantTimeEqual("abc", "abc"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abd"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "ab"));
}

TEST(AppendLengthPrefixed, KeepsPartsApart) {
  std::string ab_c, a_bc;
  AppendLengthPrefixed(ab_c, "ab");
  AppendLengthPrefixed(ab_c, "c");
  AppendLengthPrefixed(a_bc, "a");
  AppendLengthPrefixed(a_bc, "bc");
  EXPECT_NE(ab_c, a_bc);
  EXPECT_EQ(Hex(ab_c), "00000000000000026162000000000000000163");
}

TEST(SecretKey, TakesExactly32BytesAndLeavesZeroesWhenMoved) {
  EXPECT_EQ(SecretKey::FromBytes(std::string(31, 'k')), std::nullopt);
  EXPECT_EQ(SecretKey::FromBytes(std::string(33, 'k')), std::nullopt);
  SecretKey key = Key('k');
  const SecretKey moved = std::move(key);
  EXPECT_EQ(moved.bytes(), std::string(32, 'k'));
  EXPECT_EQ(key.bytes(), std::string(32, '\0'));  // NOLINT(bugprone-use-after-move): that is what is tested.
}

TEST(SecretKey, IsZeroedWhenDestroyed) {
  alignas(SecretKey) char place[sizeof(SecretKey)];
  auto* key = new (place) SecretKey(Key('k'));
  key->~SecretKey();
  EXPECT_EQ(std::string(place, sizeof place).find('k'), std::string::npos);
}

TEST(Base64, GivesTheTestVectorsOfRfc4648) {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(Base64(bytes), text);
    EXPECT_EQ(FromBase64(text), bytes);
  }
}

TEST(Base64, RefusesASecondSpelling) {
  for (std::string_view text : {"Zg", "Zg=", "Zh==", "Zg==\n", "Zg=x", "=", "====", "Z===", "Zm9v====", "Zm-v"}) {
    EXPECT_EQ(FromBase64(text), std::nullopt) << text;
  }
  for (std::string_view text : {"Zg==", "Zh", "Z", "Zm+v", " Zg"}) EXPECT_EQ(FromBase64Url(text), std::nullopt) << text;
}

TEST(Encodings, EveryTextReadsBack) {
  const uint32_t seed = 20260101;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (size_t length = 0; length < 100; ++length) {
    std::string bytes(length, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    EXPECT_EQ(FromBase64(Base64(bytes)), bytes);
    EXPECT_EQ(FromBase64Url(Base64Url(bytes)), bytes);
    EXPECT_EQ(FromHex(Hex(bytes)), bytes);
  }
}

}  // namespace
}  // namespace trialog::sealing
