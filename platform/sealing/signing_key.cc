#include "platform/sealing/signing_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "platform/errors/errors.h"
#include "platform/sealing/bytes.h"
#include "platform/sealing/digest.h"
#include "platform/sealing/encoding.h"
#include "platform/sealing/openssl_check.h"
#include "platform/text/text.h"

namespace trialog::sealing {
namespace {

constexpr size_t kCoordinateSize = 32;
constexpr char kGroup[] = "prime256v1";  // OpenSSL's name of P-256.
constexpr char kName[] = "ES256";

struct Free {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

std::shared_ptr<EVP_PKEY> Own(EVP_PKEY* key) { return std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free); }

// RFC 7638: the required members in lexicographic order, without white space.
std::string Thumbprint(std::string_view x, std::string_view y) {
  return Base64Url(Sha256(Cat(R"({"crv":"P-256","kty":"EC","x":")", x, R"(","y":")", y, R"("})")));
}

std::string Coordinate(const EVP_PKEY* key, const char* parameter) {
  BIGNUM* number = nullptr;
  MustSucceed(EVP_PKEY_get_bn_param(key, parameter, &number), kName);
  std::string bytes(kCoordinateSize, '\0');
  MustSucceed(BN_bn2binpad(number, Bytes(bytes), kCoordinateSize) == kCoordinateSize, kName);
  BN_free(number);
  return Base64Url(bytes);
}

bool IsP256(const EVP_PKEY* key) {
  char group[64] = "";
  return key != nullptr && EVP_PKEY_is_a(key, "EC") == 1 &&
         EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, nullptr) == 1 &&
         std::string_view(group) == kGroup;
}

}  // namespace

std::string JwksJson(const std::vector<PublicJwk>& keys) {
  std::string out = R"({"keys":[)";
  for (const PublicJwk& key : keys) {
    Append(out, out.back() == '[' ? "" : ",", R"({"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":")", key.kid,
           R"(","x":")", key.x, R"(","y":")", key.y, R"("})");
  }
  return out + "]}";
}

absl::StatusOr<VerifyingKey> VerifyingKey::FromJwk(const PublicJwk& jwk) {
  const absl::Status malformed = Refuse(absl::StatusCode::kInvalidArgument, "JWK_MALFORMED",
                                        "the published key is no ES256 key with its thumbprint");
  const auto x = FromBase64Url(jwk.x), y = FromBase64Url(jwk.y);
  if (!x || !y || x->size() != kCoordinateSize || y->size() != kCoordinateSize || jwk.kid != Thumbprint(jwk.x, jwk.y)) {
    return malformed;
  }
  std::string point = Cat('\x04', *x, *y);  // Uncompressed (SEC 1 section 2.3.3).
  char group[] = "prime256v1";
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                         OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
                         OSSL_PARAM_construct_end()};
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* raw = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &raw, EVP_PKEY_PUBLIC_KEY, params) != 1) {
    return malformed;
  }
  std::shared_ptr<EVP_PKEY> key = Own(raw);
  const Owned<EVP_PKEY_CTX> check(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (EVP_PKEY_public_check(check.get()) != 1) return malformed;
  return VerifyingKey(std::move(key));
}

bool VerifyingKey::Verify(std::string_view text, std::string_view signature) const {
  if (signature.size() != 2 * kCoordinateSize) return false;
  const Owned<ECDSA_SIG> parts(ECDSA_SIG_new());
  ECDSA_SIG_set0(parts.get(), BN_bin2bn(Bytes(signature), kCoordinateSize, nullptr),
                 BN_bin2bn(Bytes(signature) + kCoordinateSize, kCoordinateSize, nullptr));
  unsigned char der[80];  // At most 72 bytes for P-256.
  unsigned char* end = der;
  const int length = i2d_ECDSA_SIG(parts.get(), &end);
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  return length > 0 &&
         EVP_DigestVerifyInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, key_.get(), nullptr) == 1 &&
         EVP_DigestVerify(context.get(), der, static_cast<size_t>(length), Bytes(text), text.size()) == 1;
}

SigningKey::SigningKey(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)) {
  jwk_.x = Coordinate(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X);
  jwk_.y = Coordinate(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y);
  jwk_.kid = Thumbprint(jwk_.x, jwk_.y);
}

SigningKey SigningKey::Generate() {
  EVP_PKEY* key = EVP_EC_gen(kGroup);
  MustSucceed(key != nullptr, kName);
  return SigningKey(Own(key));
}

absl::StatusOr<SigningKey> SigningKey::FromPem(std::string_view pem) {
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  auto no_password = [](char*, int, int, void*) { return -1; };  // Never ask on a terminal.
  std::shared_ptr<EVP_PKEY> key = Own(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  const Owned<EVP_PKEY_CTX> check(key ? EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr) : nullptr);
  if (!IsP256(key.get()) || EVP_PKEY_check(check.get()) != 1) {
    return Refuse(absl::StatusCode::kInvalidArgument, "SIGNING_KEY_MALFORMED",
                  "the signing key is no P-256 private key");
  }
  return SigningKey(std::move(key));
}

std::string SigningKey::ToPem() const {
  const Owned<BIO> bio(BIO_new(BIO_s_secmem()));
  MustSucceed(PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr), kName);
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(length));
}

std::string SigningKey::Sign(std::string_view text) const {
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  MustSucceed(EVP_DigestSignInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, key_.get(), nullptr), kName);
  unsigned char der[80];
  size_t length = sizeof der;
  MustSucceed(EVP_DigestSign(context.get(), der, &length, Bytes(text), text.size()), kName);
  const unsigned char* begin = der;
  const Owned<ECDSA_SIG> parts(d2i_ECDSA_SIG(nullptr, &begin, static_cast<long>(length)));
  MustSucceed(parts != nullptr, kName);
  std::string signature(2 * kCoordinateSize, '\0');
  MustSucceed(BN_bn2binpad(ECDSA_SIG_get0_r(parts.get()), Bytes(signature), kCoordinateSize) == kCoordinateSize, kName);
  MustSucceed(BN_bn2binpad(ECDSA_SIG_get0_s(parts.get()), Bytes(signature) + kCoordinateSize, kCoordinateSize) ==
                  kCoordinateSize,
              kName);
  return signature;
}

}  // namespace trialog::sealing
