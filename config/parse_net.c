/* Parsing of addresses, sockets, URLs, the store and the time zone. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/parse.h"
#include "saga/base/mem.h"

#define ZONEINFO "/usr/share/zoneinfo"

/* A decimal number from 0 to `most`, and nothing after it; -1 otherwise. */
static long small_number(const char *text, long most)
{
	char *end = NULL;
	long number;

	if (text[0] < '0' || text[0] > '9' || strlen(text) > 5)
		return -1;
	number = strtol(text, &end, 10);
	return *end == '\0' && number <= most ? number : -1;
}

static bool is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (strcmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* Splits HOST:PORT; an IPv6 address is in brackets. The host is fresh, without brackets; NULL: not of this
 * form. */
static char *split_address(const char *text, uint16_t *ret_port)
{
	const char *colon = strrchr(text, ':');
	long port = colon == NULL ? -1 : small_number(colon + 1, UINT16_MAX);
	const char *host = text;
	size_t len = colon == NULL ? 0 : (size_t)(colon - text);

	if (port < 0 || len == 0)
		return NULL;
	if (host[0] == '[') {
		if (len < 3 || host[len - 1] != ']')
			return NULL;
		host++;
		len -= 2;
	} else if (memchr(host, ':', len) != NULL)
		return NULL;
	*ret_port = (uint16_t)port;
	return mem_strndup(host, len);
}

/* Whether the host is a loopback address decides later if unverified sources are allowed. */
void parse_address(struct config_reader *r, const struct config_option *option, const json_t *value,
				   void *base)
{
	struct config_listen *listen = base;
	char *text AUTO_FREE = parse_plain_text(r, value);
	char *host;
	char clipped[READER_CLIP_BYTES];

	if (text == NULL)
		return;
	host = split_address(text, &listen->port);
	if (host == NULL) {
		reader_clip(text, clipped);
		reader_error(r, "HOST:PORT such as \"127.0.0.1:8480\" or \"[::1]:8480\"", "\"%s\" is not an address",
					 clipped);
		return;
	}
	option_finish(option, base);
	listen->host = host;
	listen->loopback = is_loopback(host);
}

/* A socket address holds 107 bytes. The path of the folder does not count: gateway/admin/unix_socket.c
 * binds through a descriptor of the folder, and needs some bytes for that. */
#define SOCKET_NAME_MAX 80

/* Checks the length here, where the message can name the option; binding would fail later, without a
 * place. */
static void add_socket(struct config_reader *r, const json_t *value, struct config_list *list)
{
	char *text AUTO_FREE = parse_plain_text(r, value);
	char *path;

	if (text == NULL)
		return;
	if (strncmp(text, "unix:", 5) != 0 || text[5] == '\0') {
		reader_error(r, "\"unix:PATH\"", "only unix sockets are supported");
		return;
	}
	path = reader_resolve_path(r->doc->dir, text + 5);
	if (strlen(strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path) > SOCKET_NAME_MAX) {
		reader_error(r, NULL, "the file name of a socket is at most %d bytes long", SOCKET_NAME_MAX);
		free(path);
		return;
	}
	config_list_add_owned(list, path);
}

void parse_sockets(struct config_reader *r, const struct config_option *option, const json_t *value,
				   void *base)
{
	struct config_list *list = option_field(option, base);
	size_t index;
	json_t *item;

	config_list_finish(list);
	if (!json_is_array(value)) {
		parse_wrong_kind(r, value, "an array of \"unix:PATH\"");
		return;
	}
	json_array_foreach(value, index, item)
	{
		size_t mark = reader_enter_index(r, index);

		add_socket(r, item, list);
		reader_leave(r, mark);
	}
}

/* The URL has only scheme and host: the path of each request is appended to the URL. */
void parse_url(struct config_reader *r, const struct config_option *option, const json_t *value, void *base)
{
	char *text = parse_plain_text(r, value);
	const char *host;

	if (text == NULL)
		return;
	host = strncmp(text, "https://", 8) == 0 ? text + 8 : strncmp(text, "http://", 7) == 0 ? text + 7 : "";
	if (host[0] == '\0' || strpbrk(host, "/?# ") != NULL) {
		reader_error(r, "a URL without a path, such as \"https://gifts.example.org\"",
					 "the value is not a URL of a host");
		free(text);
		return;
	}
	parse_set(option, base, text);
}

void parse_store(struct config_reader *r, const struct config_option *option, const json_t *value, void *base)
{
	struct config_store *store = base;
	char *text AUTO_FREE = parse_plain_text(r, value);

	if (text == NULL)
		return;
	if (strncmp(text, "sqlite:", 7) != 0 || text[7] == '\0') {
		reader_error(r, "\"sqlite:PATH\"", "this kind of store is unknown");
		return;
	}
	option_finish(option, base);
	store->path = reader_resolve_path(r->doc->dir, text + 7);
}

/* ---- the time zone ---- */

/* Without an installed time zone database every name counts as known. */
static bool zone_exists(const char *name)
{
	char *path AUTO_FREE = mem_printf(ZONEINFO "/%s", name);
	struct stat st;

	if (stat(ZONEINFO, &st) != 0)
		return true;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Rejects paths: the name becomes a file name under ZONEINFO. */
void parse_timezone(struct config_reader *r, const struct config_option *option, const json_t *value,
					void *base)
{
	char *text = parse_plain_text(r, value);
	char clipped[READER_CLIP_BYTES];

	if (text == NULL)
		return;
	if (text[0] == '/' || text[0] == ':' || strstr(text, "..") != NULL || !zone_exists(text)) {
		reader_clip(text, clipped);
		reader_error(r, "a name such as \"Europe/Rome\" or \"UTC\"", "\"%s\" is not a time zone", clipped);
		free(text);
		return;
	}
	parse_set(option, base, text);
}

/* ---- address ranges ---- */

/* The bits behind the mask must be zero: in "10.1.2.3/8" either the address or the mask is a mistake. */
static bool host_bits_are_zero(const struct config_cidr *range, size_t bytes)
{
	for (size_t bit = range->bits; bit < bytes * 8; bit++) {
		if ((range->addr[bit / 8] >> (7 - bit % 8) & 1) != 0)
			return false;
	}
	return true;
}

/* An address without "/" is the range of this one address. */
static bool parse_range(const char *text, struct config_cidr *ret_range)
{
	char *address AUTO_FREE = mem_strdup(text);
	char *slash = strchr(address, '/');
	struct config_cidr range = { .family = strchr(text, ':') == NULL ? AF_INET : AF_INET6 };
	size_t bytes = range.family == AF_INET ? 4 : 16;
	long bits = (long)bytes * 8;

	if (slash != NULL) {
		*slash = '\0';
		bits = small_number(slash + 1, bits);
	}
	if (bits < 0 || inet_pton(range.family, address, range.addr) != 1)
		return false;
	range.bits = (uint8_t)bits;
	*ret_range = range;
	return host_bits_are_zero(&range, bytes);
}

static void add_cidr(struct config_reader *r, const json_t *value, struct config *config)
{
	char *text AUTO_FREE = parse_plain_text(r, value);
	struct config_cidr range;
	char clipped[READER_CLIP_BYTES];

	if (text == NULL)
		return;
	if (!parse_range(text, &range)) {
		reader_clip(text, clipped);
		reader_error(r,
					 "an address, or a range with zeros behind its mask, such as \"10.0.0.0/8\" or \"::1\"",
					 "\"%s\" is not an address range", clipped);
		return;
	}
	config->trusted_proxies =
		mem_grow(config->trusted_proxies, (config->trusted_proxy_count + 1) * sizeof(range));
	config->trusted_proxies[config->trusted_proxy_count++] = range;
}

void parse_cidrs(struct config_reader *r, const struct config_option *option, const json_t *value, void *base)
{
	size_t index;
	json_t *item;

	option_finish(option, base);
	if (!json_is_array(value)) {
		parse_wrong_kind(r, value, "an array of addresses and ranges");
		return;
	}
	json_array_foreach(value, index, item)
	{
		size_t mark = reader_enter_index(r, index);

		add_cidr(r, item, base);
		reader_leave(r, mark);
	}
}
