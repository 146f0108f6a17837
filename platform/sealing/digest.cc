#include "platform/sealing/digest.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <memory>

#include "platform/sealing/bytes.h"
#include "platform/sealing/openssl_check.h"

namespace trialog::sealing {
namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
  void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
};

// Fetched once: EVP_sha256() would look the implementation up again on each use (OpenSSL 3, "implicit fetch").
const EVP_MD* FetchedSha256() {
  static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return md;
}

}  // namespace

std::string Sha256(std::initializer_list<std::string_view> parts) {
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  std::string hash(kSha256Size, '\0');
  MustSucceed(EVP_DigestInit_ex2(context.get(), FetchedSha256(), nullptr), "SHA-256");
  for (std::string_view part : parts) MustSucceed(EVP_DigestUpdate(context.get(), part.data(), part.size()), "SHA-256");
  MustSucceed(EVP_DigestFinal_ex(context.get(), Bytes(hash), nullptr), "SHA-256");
  return hash;
}

// RFC 2104 over the thread's SHA-256 context: the library's one-shot HMAC fetches its parts anew on each call, which
// takes five times as long as the hashing.
std::string HmacSha256(std::string_view key, std::string_view text) {
  constexpr size_t kBlockSize = 64;
  if (key.size() > kBlockSize) return HmacSha256(Sha256(key), text);
  std::string inner_key(kBlockSize, '\0');  // Of its full size from the start: growing would leave a copy behind.
  std::copy(key.begin(), key.end(), inner_key.begin());
  std::string outer_key = inner_key;
  for (char& byte : inner_key) byte ^= 0x36;
  for (char& byte : outer_key) byte ^= 0x5c;
  std::string mac = Sha256({outer_key, Sha256({inner_key, text})});
  Wipe(inner_key);
  Wipe(outer_key);
  return mac;
}

SecretKey HkdfSha256(const SecretKey& key, std::string_view salt, std::string_view info) {
  const std::unique_ptr<EVP_KDF, FreeContext> kdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_HKDF, nullptr));
  const std::unique_ptr<EVP_KDF_CTX, FreeContext> context(EVP_KDF_CTX_new(kdf.get()));
  char digest[] = "SHA256";
  auto octets = [](const char* name, std::string_view value) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(value.data()), value.size());
  };
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                         octets(OSSL_KDF_PARAM_KEY, key.bytes()), octets(OSSL_KDF_PARAM_SALT, salt),
                         octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  std::string derived(SecretKey::kSize, '\0');
  MustSucceed(EVP_KDF_derive(context.get(), Bytes(derived), derived.size(), params), "HKDF-SHA-256");
  SecretKey result = *SecretKey::FromBytes(derived);
  Wipe(derived);
  return result;
}

bool ConstantTimeEqual(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void AppendLengthPrefixed(std::string& out, std::string_view part) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(uint64_t{part.size()} >> shift);
  out += part;
}

}  // namespace trialog::sealing
