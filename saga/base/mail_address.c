#include "saga/base/mail_address.h"

#include <string.h>

/* RFC 5321 section 4.5.3.1: 64 bytes before the @; a path has 256 bytes, of which two are the brackets.
 * RFC 1035 section 2.3.4: a domain has 253 bytes without its last dot, a label has 63. */
#define LOCAL_MAX   64
#define ADDRESS_MAX 254
#define DOMAIN_MAX  253
#define LABEL_MAX   63

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_atext(char c)
{
	return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool local_is_plain(const char *p, size_t len)
{
	if (len == 0 || len > LOCAL_MAX || p[0] == '.' || p[len - 1] == '.')
		return false;
	for (size_t i = 0; i < len; i++)
		if (p[i] == '.' ? p[i - 1] == '.' : !is_atext(p[i]))
			return false;
	return true;
}

static bool label_is_plain(const char *p, size_t len)
{
	if (len == 0 || len > LABEL_MAX || p[0] == '-' || p[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_alnum(p[i]) && p[i] != '-' && p[i] != '_')
			return false;
	return true;
}

/* Labels between dots, each of them plain, so an empty label and a dot at an end do not pass. */
static bool domain_is_plain(const char *p, size_t len)
{
	if (len == 0 || len > DOMAIN_MAX)
		return false;
	const char *end = p + len;
	for (;;) {
		const char *dot = memchr(p, '.', (size_t)(end - p));
		const char *stop = dot != NULL ? dot : end;
		if (!label_is_plain(p, (size_t)(stop - p)))
			return false;
		if (dot == NULL)
			return true;
		p = dot + 1;
	}
}

/* "192.0.2.1", "IPv6:2001:db8::1", without the brackets. Only the alphabet is checked: the mail server
 * decides whether the literal is an address. */
static bool literal_is_plain(const char *p, size_t len)
{
	if (len == 0 || len > LABEL_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_alnum(p[i]) && p[i] != '.' && p[i] != ':')
			return false;
	return true;
}

static const char *bytes_fault(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (c < 0x20 || c == 0x7f)
			return "the address has a control character";
		if (c >= 0x80)
			return "the address has a character beyond ASCII (write an international domain in its xn-- "
				   "form)";
	}
	return NULL;
}

/* Checks the bytes first, so that the later checks see printable ASCII only. */
const char *mail_address_fault(struct str address, bool literal_allowed)
{
	if (address.p == NULL || address.len == 0)
		return "the address is empty";
	if (address.len > ADDRESS_MAX)
		return "the address is longer than 254 bytes";
	const char *fault = bytes_fault(address);
	if (fault != NULL)
		return fault;
	const char *at = memchr(address.p, '@', address.len);
	if (at == NULL || at != memrchr(address.p, '@', address.len))
		return "the address must have exactly one @";
	size_t local_len = (size_t)(at - address.p);
	if (!local_is_plain(address.p, local_len))
		return "the address has an unusable part before the @";
	const char *domain = at + 1;
	size_t domain_len = address.len - local_len - 1;
	if (literal_allowed && domain_len > 2 && domain[0] == '[' && domain[domain_len - 1] == ']')
		return literal_is_plain(domain + 1, domain_len - 2) ? NULL
															: "the address has an unusable address literal";
	return domain_is_plain(domain, domain_len) ? NULL : "the address has an unusable domain";
}

const char *mail_address_host_fault(struct str host)
{
	if (host.p == NULL || host.len == 0)
		return "the name is empty";
	if (domain_is_plain(host.p, host.len))
		return NULL;
	if (memchr(host.p, ':', host.len) != NULL && literal_is_plain(host.p, host.len))
		return NULL;
	return "the name is neither a host name nor an IP address";
}
