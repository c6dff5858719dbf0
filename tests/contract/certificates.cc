#include "tests/contract/certificates.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include "operator/base/check.h"

namespace chaos::contract {
namespace {

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

std::string Text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

std::string Pem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
  CHECK(PEM_write_bio_X509(bio.get(), certificate) == 1);
  return Text(bio.get());
}

std::string Pem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
  CHECK(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return Text(bio.get());
}

Bio Open(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
}

void Extend(X509* certificate, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  CHECK(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// Valid for a day around now, for `key`; the caller adds extensions and signs.
Certificate Draft(const std::string& name, EVP_PKEY* key) {
  static long serial = 1;
  Certificate draft(X509_new(), &X509_free);
  X509_set_version(draft.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(draft.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(draft.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(draft.get()), 24 * 3600);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(draft.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_pubkey(draft.get(), key);
  return draft;
}

}  // namespace

Authority::Authority(const std::string& name) {
  const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const Certificate draft = Draft(name, key.get());
  X509_set_issuer_name(draft.get(), X509_get_subject_name(draft.get()));
  Extend(draft.get(), draft.get(), NID_basic_constraints, "critical,CA:TRUE");
  Extend(draft.get(), draft.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  CHECK(X509_sign(draft.get(), key.get(), EVP_sha256()) > 0);
  self_ = {Pem(draft.get()), Pem(key.get())};
}

Identity Authority::Issue(const std::string& common_name, const std::string& names,
                          bool client) const {
  const Certificate ca(PEM_read_bio_X509(Open(self_.certificate).get(), nullptr, nullptr, nullptr),
                       &X509_free);
  const Key ca_key(PEM_read_bio_PrivateKey(Open(self_.key).get(), nullptr, nullptr, nullptr),
                   &EVP_PKEY_free);
  const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const Certificate draft = Draft(common_name, key.get());
  X509_set_issuer_name(draft.get(), X509_get_subject_name(ca.get()));
  Extend(draft.get(), ca.get(), NID_basic_constraints, "critical,CA:FALSE");
  Extend(draft.get(), ca.get(), NID_ext_key_usage, client ? "clientAuth" : "serverAuth");
  if (!names.empty()) Extend(draft.get(), ca.get(), NID_subject_alt_name, names);
  CHECK(X509_sign(draft.get(), ca_key.get(), EVP_sha256()) > 0);
  return {Pem(draft.get()), Pem(key.get())};
}

}  // namespace chaos::contract
