#include "saga/base/digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* One for the process, written once: OpenSSL 3.0 searches its providers at every implicit fetch. */
static pthread_once_t fetch_guard = PTHREAD_ONCE_INIT;
static pthread_key_t context_key;
static EVP_MD *sha256;

static void abort_on_crypto(void)
{
	fputs("almoner: the crypto library failed, stopping\n", stderr);
	abort();
}

static void free_context(void *thread_context)
{
	EVP_MD_CTX_free(thread_context);
}

static void fetch_once(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (sha256 == NULL || pthread_key_create(&context_key, free_context) != 0)
		abort_on_crypto();
}

/* The context of this thread, ready for a new digest; freed when the thread ends. */
static EVP_MD_CTX *thread_context(void)
{
	pthread_once(&fetch_guard, fetch_once);
	EVP_MD_CTX *ctx = pthread_getspecific(context_key);
	if (ctx == NULL) {
		ctx = EVP_MD_CTX_new();
		if (ctx == NULL || pthread_setspecific(context_key, ctx) != 0)
			abort_on_crypto();
	}
	if (EVP_DigestInit_ex2(ctx, sha256, NULL) != 1)
		abort_on_crypto();
	return ctx;
}

void digest_parts(const struct str *parts, size_t count, uint8_t out[DIGEST_BYTES])
{
	EVP_MD_CTX *ctx = thread_context();
	for (size_t i = 0; i < count; i++) {
		uint8_t len[8];
		for (unsigned b = 0; b < 8; b++)
			len[b] = (uint8_t)((uint64_t)parts[i].len >> (8 * b));
		if (EVP_DigestUpdate(ctx, len, sizeof len) != 1 ||
			EVP_DigestUpdate(ctx, parts[i].p, parts[i].len) != 1)
			abort_on_crypto();
	}
	if (EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		abort_on_crypto();
}

void digest_bytes(const void *bytes, size_t len, uint8_t out[DIGEST_BYTES])
{
	EVP_MD_CTX *ctx = thread_context();
	if (EVP_DigestUpdate(ctx, bytes, len) != 1 || EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		abort_on_crypto();
}
