/* TLS: a peer whose certificate is not trusted gets no byte of the request; with a trusted peer,
 * connections are used again and nothing is sent twice. The server runs in a thread of this program, with
 * a certificate made at start. The tests that trust the certificate set it where gateway/net creates a
 * libcurl handle (link option --wrap). */
#include "tests/unit/net/net_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "saga/base/mem.h"

static const char *trusted; /* path of a certificate; NULL: only the system's */

CURL *__real_curl_easy_init(void);
CURL *__wrap_curl_easy_init(void);

CURL *__wrap_curl_easy_init(void)
{
	CURL *easy = __real_curl_easy_init();
	if (easy != NULL && trusted != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, trusted);
	return easy;
}

/* ---- the server ---- */

static struct {
	SSL_CTX *context;
	int listener;
	unsigned port;
	pthread_t thread;
	atomic_uint connections;
	atomic_uint requests;
	atomic_uint answers_left; /* when they are used up, the server reads a request and closes */
} server;

static char cert_path[] = "/tmp/almoner-net-tls-XXXXXX";

static X509 *make_certificate(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	assert_non_null(cert);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_set_version(cert, 2);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	X509_NAME *name = X509_get_subject_name(cert);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"almoner test", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509V3_CTX ctx;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_alt_name, "IP:127.0.0.1");
	assert_non_null(extension);
	X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	return cert;
}

/* One request of a few hundred bytes is read at once or in a few pieces; its body is "x". */
static bool read_request(SSL *ssl)
{
	char text[4096];
	size_t len = 0;
	while (len < sizeof(text) - 1) {
		int n = SSL_read(ssl, text + len, (int)(sizeof(text) - 1 - len));
		if (n <= 0)
			return false;
		len += (size_t)n;
		text[len] = '\0';
		const char *blank = strstr(text, "\r\n\r\n");
		if (blank != NULL && blank[4] == 'x')
			return true;
	}
	return false;
}

static void serve_connection(int fd)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	SSL *ssl = SSL_new(server.context);
	SSL_set_fd(ssl, fd);
	server.connections++;
	if (SSL_accept(ssl) == 1) {
		while (read_request(ssl)) {
			server.requests++;
			if (server.answers_left == 0)
				break;
			server.answers_left--;
			if (SSL_write(ssl, answer, sizeof(answer) - 1) <= 0)
				break;
		}
	}
	SSL_free(ssl);
	close(fd);
}

static void *serve(void *ctx)
{
	(void)ctx;
	for (;;) {
		int fd = accept(server.listener, NULL, NULL);
		if (fd < 0)
			return NULL;
		serve_connection(fd);
	}
}

static int start_server(void **state)
{
	(void)state;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	assert_non_null(key);
	X509 *cert = make_certificate(key);
	int fd = mkstemp(cert_path);
	assert_true(fd >= 0);
	FILE *file = fdopen(fd, "w");
	assert_non_null(file);
	assert_int_equal(PEM_write_X509(file, cert), 1);
	fclose(file);
	server.context = SSL_CTX_new(TLS_server_method());
	assert_int_equal(SSL_CTX_use_certificate(server.context, cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(server.context, key), 1);
	X509_free(cert);
	EVP_PKEY_free(key);

	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	server.listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(server.listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(server.listener, 16), 0);
	assert_int_equal(getsockname(server.listener, (struct sockaddr *)&address, &len), 0);
	server.port = ntohs(address.sin_port);
	return pthread_create(&server.thread, NULL, serve, NULL);
}

static int stop_server(void **state)
{
	(void)state;
	shutdown(server.listener, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.listener);
	SSL_CTX_free(server.context);
	unlink(cert_path);
	return 0;
}

/* ---- the tests ---- */

static struct exchange_result post(struct net_fixture *f, const char *host)
{
	AUTO_FREE char *url = mem_printf("https://%s:%u/x", host, server.port);
	const struct almoner_http http = { TEXT("POST"), fixture_text(url), NULL, 0, TEXT("x") };
	return fixture_http(f, &http, fixture_limits(5000));
}

static void a_peer_without_proof_gets_nothing(void **state)
{
	(void)state;
	struct net_fixture f;
	trusted = NULL;
	server.answers_left = 100;
	server.requests = 0;
	fixture_open(&f);
	struct exchange_result o = post(&f, "127.0.0.1");
	assert_int_equal(o.verdict, TRANSPORT_UNREACHABLE);
	assert_non_null(strstr(o.detail, "certificate"));
	assert_int_equal(server.requests, 0);

	struct almoner_mail mail = { .host = TEXT("127.0.0.1"),
								 .port = server.port,
								 .tls = ALMONER_TLS_DIRECT,
								 .from = TEXT("a@b.example"),
								 .to = TEXT("c@d.example"),
								 .message = TEXT("x\r\n") };
	o = fixture_mail(&f, &mail, fixture_limits(5000));
	assert_int_equal(o.verdict, TRANSPORT_UNREACHABLE);
	assert_non_null(strstr(o.detail, "certificate"));
	fixture_close(&f);
}

static void a_proof_for_another_name_is_none(void **state)
{
	(void)state;
	struct net_fixture f;
	trusted = cert_path;
	server.answers_left = 100;
	server.requests = 0;
	fixture_open(&f);
	struct exchange_result o = post(&f, "localhost");
	assert_int_equal(o.verdict, TRANSPORT_UNREACHABLE);
	assert_int_equal(server.requests, 0);
	fixture_close(&f);
}

static void a_trusted_connection_is_used_again(void **state)
{
	(void)state;
	struct net_fixture f;
	trusted = cert_path;
	server.answers_left = 100;
	server.requests = 0;
	server.connections = 0;
	fixture_open(&f);
	for (int i = 0; i < 5; i++) {
		struct exchange_result o = post(&f, "127.0.0.1");
		assert_int_equal(o.verdict, TRANSPORT_REPLY);
		assert_int_equal(o.status, 200);
		assert_string_equal(o.body, "ok");
		fixture_result_free(&o);
		assert_in_range(fixture_run_ms(&f, 30), 2, 6); /* an idle connection makes no turns */
	}
	assert_int_equal(server.requests, 5);
	assert_int_equal(server.connections, 1);
	fixture_close(&f);
}

static void a_trusted_connection_that_dies_is_no_second_send(void **state)
{
	(void)state;
	struct net_fixture f;
	trusted = cert_path;
	server.answers_left = 1;
	server.requests = 0;
	fixture_open(&f);
	struct exchange_result o = post(&f, "127.0.0.1");
	assert_int_equal(o.verdict, TRANSPORT_REPLY);
	fixture_result_free(&o);
	o = post(&f, "127.0.0.1"); /* the server reads the request and closes without an answer */
	assert_int_equal(o.verdict, TRANSPORT_UNKNOWN);
	assert_int_equal(server.requests, 2);
	fixture_close(&f);
}

static int64_t cpu_us(void)
{
	struct timespec used;
	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used), 0);
	return (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

/* Reading the system's certificates takes tens of milliseconds on the loop's thread, during which no other
 * exchange makes progress. */
static void the_systems_authorities_are_read_once(void **state)
{
	(void)state;
	struct net_fixture f;
	struct stat file;
	const char *path = curl_version_info(CURLVERSION_NOW)->cainfo;
	if (path == NULL || stat(path, &file) != 0 || file.st_size < 100000)
		skip(); /* too few certificates for a difference in time */
	trusted = NULL;
	fixture_open(&f);
	int64_t first_us = 0;
	int64_t least_us = INT64_MAX;
	for (int i = 0; i < 6; i++) {
		int64_t before_us = cpu_us();
		struct exchange_result o = post(&f, "127.0.0.1");
		int64_t took_us = cpu_us() - before_us;
		assert_int_equal(o.verdict, TRANSPORT_UNREACHABLE);
		if (i == 0)
			first_us = took_us;
		else if (took_us < least_us)
			least_us = took_us;
	}
	assert_true(least_us < first_us / 3);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_without_proof_gets_nothing),
		cmocka_unit_test(a_proof_for_another_name_is_none),
		cmocka_unit_test(a_trusted_connection_is_used_again),
		cmocka_unit_test(a_trusted_connection_that_dies_is_no_second_send),
		cmocka_unit_test(the_systems_authorities_are_read_once),
	};
	return cmocka_run_group_tests(tests, start_server, stop_server);
}
