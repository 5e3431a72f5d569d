#include "gateway/intake/pipeline/mac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "saga/base/mem.h"

static const struct {
	const char *digest;
	size_t bytes;
} hashes[] = {
	[VERIFY_SHA1] = { "SHA1", 20 },
	[VERIFY_SHA256] = { "SHA256", 32 },
	[VERIFY_SHA512] = { "SHA512", 64 },
};
#define HASHES (sizeof hashes / sizeof hashes[0])

struct contexts {
	EVP_MAC_CTX *of[HASHES];
};

/* The HMAC algorithm is fetched once for the whole process, because OpenSSL 3.0 searches its providers at
 * every implicit fetch. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t contexts_key;
static EVP_MAC *hmac;

static void abort_crypto(void)
{
	fputs("almoner: the crypto library failed, stopping\n", stderr);
	abort();
}

static void contexts_drop(void *arg)
{
	struct contexts *c = arg;
	for (size_t i = 0; i < HASHES; i++)
		EVP_MAC_CTX_free(c->of[i]);
	free(c);
}

static void fetch_once(void)
{
	hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	if (hmac == NULL || pthread_key_create(&contexts_key, contexts_drop) != 0)
		abort_crypto();
}

/* Gives the calling thread's HMAC context for this hash. Its digest stays set when only the key changes. */
static EVP_MAC_CTX *context(enum verify_hash hash)
{
	pthread_once(&once, fetch_once);
	struct contexts *c = pthread_getspecific(contexts_key);
	if (c == NULL) {
		c = mem_zalloc(sizeof *c);
		if (pthread_setspecific(contexts_key, c) != 0)
			abort_crypto();
	}
	if (c->of[hash] == NULL) {
		char name[8];
		snprintf(name, sizeof name, "%s", hashes[hash].digest);
		const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
									  OSSL_PARAM_construct_end() };
		c->of[hash] = EVP_MAC_CTX_new(hmac);
		if (c->of[hash] == NULL || EVP_MAC_CTX_set_params(c->of[hash], params) != 1)
			abort_crypto();
	}
	return c->of[hash];
}

size_t mac_bytes(enum verify_hash hash)
{
	return hashes[hash].bytes;
}

void mac_compute(enum verify_hash hash, struct str key, const struct str *parts, size_t count,
				 uint8_t out[MAC_BYTES_MAX])
{
	/* EVP_MAC_init takes an empty key for "keep the last key". */
	assert(key.len > 0);
	EVP_MAC_CTX *ctx = context(hash);
	bool ok = EVP_MAC_init(ctx, (const unsigned char *)key.p, key.len, NULL) == 1;
	for (size_t i = 0; i < count && ok; i++)
		ok = parts[i].len == 0 || EVP_MAC_update(ctx, (const unsigned char *)parts[i].p, parts[i].len) == 1;
	size_t len = 0;
	if (!ok || EVP_MAC_final(ctx, out, &len, MAC_BYTES_MAX) != 1 || len != hashes[hash].bytes)
		abort_crypto();
}

bool mac_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}
