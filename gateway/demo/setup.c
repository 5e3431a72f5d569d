/* Prepares the demo: the receivers, the folder, the daemon, in this order, because each needs the one
 * before. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/commands/admin_client.h"
#include "gateway/commands/read_file.h"
#include "gateway/demo/demo.h"
#include "gateway/demo/demo_internal.h"
#include "saga/base/mem.h"

/* The webhook secret of the demo's Stripe source: "demo-secret-of-almoner-not-real" in base64. */
#define DEMO_SECRET "whsec_ZGVtby1zZWNyZXQtb2YtYWxtb25lci1ub3QtcmVhbA=="

int demo_get(const struct demo_setup *s, const char *path, json_t **ret, struct err *err)
{
	return admin_client_get(s->socket_path, path, ret, err);
}

/* almoner-sink prints its addresses in the first two lines; without a buffer, poll in read_port sees the
 * second one. */
static int start_receivers(struct demo_setup *s, struct err *err)
{
	char *program AUTO_FREE =
		demo_process_path("gateway/sink/almoner-sink", "../libexec/almoner/almoner-sink");
	if (program == NULL || access(program, X_OK) != 0)
		return err_set(err, ERR_NOT_FOUND,
					   "the receivers of the demo (almoner-sink) were not found; build them: ninja -C build");
	char http[] = "127.0.0.1:0";
	char smtp[] = "127.0.0.1:0";
	char *const argv[] = { program, (char[]){ "--http" }, http, (char[]){ "--smtp" }, smtp, NULL };
	int out;
	s->receivers = demo_process_start(argv, &out, "/dev/null");
	if (s->receivers < 0)
		return err_set(err, ERR_SYSTEM, "cannot start %s: %s", program, strerror(errno));
	FILE *lines = fdopen(out, "r");
	setvbuf(lines, NULL, _IONBF, 0);
	int rc = demo_process_read_port(lines, "http", &s->http_port, err);
	if (rc == 0)
		rc = demo_process_read_port(lines, "smtp", &s->smtp_port, err);
	fclose(lines);
	return rc;
}

/* Only to know the source's secret and the admin socket; the daemon loads the same file itself. */
static int load_config(struct demo_setup *s, struct err *err)
{
	struct diagnostics found AUTO_DIAGNOSTICS = { 0 };
	s->config_path = mem_printf("%s/almoner.json", s->folder);
	int rc = config_load(s->config_path, NULL, &s->config, &found);
	if (rc != 0) {
		struct buf text AUTO_BUF = { 0 };
		diagnostics_print(&found, &text);
		return err_set(err, rc, "the example configuration has errors: %s",
					   text.data != NULL ? text.data : "");
	}
	if (s->config->listen.admin.count == 0)
		return err_set(err, ERR_INVALID, "the example configuration has no admin socket");
	s->socket_path = mem_strdup(s->config->listen.admin.items[0]);
	return 0;
}

/* Waits at most 10 s for the admin API. If the daemon ends before, its log is the error text. */
static int start_daemon(struct demo_setup *s, struct err *err)
{
	char *log AUTO_FREE = mem_printf("%s/gateway.log", s->folder);
	char self[] = "/proc/self/exe";
	char *const argv[] = { self, (char[]){ "serve" }, (char[]){ "--config" }, s->config_path, NULL };
	int out;
	s->daemon = demo_process_start(argv, &out, log);
	if (s->daemon < 0)
		return err_set(err, ERR_SYSTEM, "cannot start the gateway: %s", strerror(errno));
	close(out);
	for (unsigned tries = 0; tries < 500; tries++) {
		json_t *status = NULL;
		if (demo_get(s, "/v1/status", &status, NULL) == 0) {
			s->intake_port =
				(uint16_t)json_integer_value(json_object_get(json_object_get(status, "intake"), "port"));
			json_decref(status);
			return 0;
		}
		int code;
		if (waitpid(s->daemon, &code, WNOHANG) == s->daemon) {
			s->daemon = 0;
			struct buf output AUTO_BUF = { 0 };
			int rc = read_file(log, (size_t)1 << 20, &output, err);
			return rc != 0 ? rc
						   : err_set(err, ERR_SYSTEM, "the gateway did not start: %s",
									 output.data != NULL ? output.data : "");
		}
		poll(NULL, 0, 20);
	}
	return err_set(err, ERR_SYSTEM, "the gateway does not answer on %s; see %s", s->socket_path, log);
}

/* The example configuration takes addresses and secrets from these variables; the daemon inherits them. */
static int set_environment(const struct demo_setup *s, struct err *err)
{
	char http[32], books[48], crm[40], smtp[16];
	snprintf(http, sizeof http, "http://127.0.0.1:%u", s->http_port);
	snprintf(books, sizeof books, "%s/quickbooks", http);
	snprintf(crm, sizeof crm, "%s/crm", http);
	snprintf(smtp, sizeof smtp, "%u", s->smtp_port);
	const struct {
		const char *name, *value;
	} variables[] = {
		{ "ALMONER_INTAKE", "127.0.0.1:0" },
		{ "ALMONER_BOOKS_URL", books },
		{ "ALMONER_CRM_URL", crm },
		{ "ALMONER_MAIL_HOST", "127.0.0.1" },
		{ "ALMONER_MAIL_PORT", smtp },
		{ "ALMONER_MAIL_TLS", "none" },
		{ "STRIPE_WEBHOOK_SECRET", DEMO_SECRET },
		{ "FORMS_SECRET", "demo" },
		{ "BOOKS_TOKEN", "demo" },
	};
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
		if (setenv(variables[i].name, variables[i].value, 1) != 0)
			return err_set(err, ERR_SYSTEM, "setenv: %s", strerror(errno));
	return 0;
}

int demo_setup_begin(struct demo_setup *s, struct err *err)
{
	s->program = demo_process_path("almoner", "almoner");
	int rc = start_receivers(s, err);
	if (rc == 0)
		rc = set_environment(s, err);
	if (rc == 0)
		rc = demo_folder_make(&s->folder, err);
	if (rc == 0)
		rc = load_config(s, err);
	return rc == 0 ? start_daemon(s, err) : rc;
}

int demo_setup_end(struct demo_setup *s)
{
	int code = demo_process_end(s->daemon);
	demo_process_end(s->receivers);
	if (s->folder != NULL && code == 0)
		demo_folder_remove(s->folder);
	else if (s->folder != NULL)
		fprintf(stderr, "almoner: the daemon ended with exit code %d, so its folder is kept: %s\n", code,
				s->folder);
	config_unref(s->config);
	free(s->folder);
	free(s->config_path);
	free(s->program);
	free(s->socket_path);
	return code;
}
