#include "connectors/email/mime.h"

#include <stdbool.h>
#include <string.h>

#include "connectors/kit/escape.h"

#define LINE_BYTES_MAX      76 /* RFC 2045 and RFC 2047 */
#define WORD_OVERHEAD_BYTES 12 /* "=?UTF-8?B?" and "?=" of an encoded word */
/* bytes in an encoded word: 60 of base64, with the overhead less than 75 (RFC 2047) */
#define WORD_SOURCE_MAX 45
/* bytes of a line without a space to fold at; a line may have 998 bytes (RFC 5322) */
#define UNBROKEN_BYTES_MAX 900
#define QUOTED_BYTES_MAX   60 /* bytes of a display name in quotes, so that the name fits on one line */

/* ---- headers ---- */

/* True if all characters are letters, digits or one of `extra`. */
static bool has_only(const char *p, size_t len, const char *extra)
{
	for (size_t i = 0; i < len; i++) {
		char c = p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!letter && (c == '\0' || strchr(extra, c) == NULL))
			return false;
	}
	return true;
}

static void put_base64(struct kit_text *to, const char *bytes, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < len; i += 3) {
		size_t have = len - i < 3 ? len - i : 3;
		unsigned group = 0;
		for (size_t k = 0; k < 3; k++)
			group = (group << 8) | (k < have ? (unsigned char)bytes[i + k] : 0u);
		for (size_t k = 0; k <= have; k++)
			kit_text_putc(to, digits[(group >> (18 - 6 * k)) & 63]);
		kit_text_puts(to, have == 3 ? "" : have == 2 ? "=" : "==");
	}
}

/* The number of bytes of the whole characters that fit into `cap` bytes; at least one character. */
static size_t whole_characters(const char *p, size_t len, size_t cap)
{
	size_t taken = 0;
	while (taken < len) {
		size_t n = kit_text_utf8_len(p + taken, len - taken);
		n = n == 0 ? 1 : n;
		if (taken > 0 && taken + n > cap)
			break;
		taken += n;
	}
	return taken;
}

/* Encoded words of base64, one a line. A word never splits a character (RFC 2047). `column` is the number of
 * bytes that the line has already. */
static void put_encoded_words(struct kit_text *to, size_t column, const char *value, size_t len)
{
	while (len > 0) {
		size_t used = column + WORD_OVERHEAD_BYTES;
		size_t cap = LINE_BYTES_MAX > used + 4 ? (LINE_BYTES_MAX - used) / 4 * 3 : 3;
		size_t take = whole_characters(value, len, cap > WORD_SOURCE_MAX ? WORD_SOURCE_MAX : cap);
		kit_text_puts(to, "=?UTF-8?B?");
		put_base64(to, value, take);
		kit_text_puts(to, "?=");
		value += take;
		len -= take;
		column = 1;
		if (len > 0)
			kit_text_puts(to, "\r\n ");
	}
}

/* True if the value can be written as it is: printable ASCII that a header can be folded at, and nothing that
 * looks like an encoded word. */
static bool plain_ascii(const char *value, size_t len)
{
	size_t unbroken = 0;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)value[i] >= 0x7F || (unsigned char)value[i] < 0x20)
			return false;
		unbroken = value[i] == ' ' ? 0 : unbroken + 1;
		if (unbroken > UNBROKEN_BYTES_MAX)
			return false;
	}
	return memmem(value, len, "=?", 2) == NULL;
}

/* Writes word by word and breaks before a space where the line would become too long. */
static void put_folded(struct kit_text *to, size_t column, const char *value, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t word = i;
		while (word < len && value[word] == ' ')
			word++;
		while (word < len && value[word] != ' ')
			word++;
		/* Some readers take a line of only spaces for the end of the headers. */
		bool blank = value[word - 1] == ' ';
		if (i > 0 && !blank && column + (word - i) > LINE_BYTES_MAX && value[i] == ' ') {
			kit_text_puts(to, "\r\n");
			column = 0;
		}
		kit_text_add(to, value + i, word - i);
		column += word - i;
		i = word;
	}
}

/* Plain values are folded, all others encoded. An empty value stays empty. */
static void put_value(struct kit_text *to, size_t column, const char *value)
{
	struct kit_text clean AUTO_TEXT = { 0 };
	kit_escape_put(&clean, KIT_ESCAPE_HEADER, value, strlen(value));
	if (clean.len > 0 && plain_ascii(clean.p, clean.len))
		put_folded(to, column, clean.p, clean.len);
	else
		put_encoded_words(to, column, kit_text_view(&clean).p, clean.len);
}

void mime_header(struct kit_text *to, const char *name, const char *value)
{
	kit_text_printf(to, "%s: ", name);
	put_value(to, strlen(name) + 2, value);
	kit_text_puts(to, "\r\n");
}

/* A phrase of atoms and spaces needs no quotes. Other short ASCII is put in quotes, everything else is
 * encoded. */
static void put_display(struct kit_text *to, size_t column, const char *display)
{
	size_t len = strlen(display);
	if (!plain_ascii(display, len) || len > QUOTED_BYTES_MAX) {
		put_encoded_words(to, column, display, len);
		return;
	}
	bool quoted = !has_only(display, len, " !#$%&'*+-/=?^_`{|}~");
	kit_text_puts(to, quoted ? "\"" : "");
	for (size_t i = 0; i < len; i++) {
		if (display[i] == '"' || display[i] == '\\')
			kit_text_putc(to, '\\');
		kit_text_putc(to, display[i]);
	}
	kit_text_puts(to, quoted ? "\"" : "");
}

void mime_mailbox(struct kit_text *to, const char *name, const char *display, const char *address)
{
	if (display == NULL || *display == '\0') {
		kit_text_printf(to, "%s: %s\r\n", name, address);
		return;
	}
	kit_text_printf(to, "%s: ", name);
	put_display(to, strlen(name) + 2, display);
	kit_text_printf(to, "\r\n <%s>\r\n", address);
}

/* ---- bodies ---- */

/* Writes quoted-printable; `column` is the length of the current line. */
struct qp_writer {
	struct kit_text *to;
	size_t column;
};

/* Appends a piece that must not be split, after a soft line break if the line is full. */
static void qp_put(struct qp_writer *q, const char *piece, size_t len)
{
	if (q->column + len > LINE_BYTES_MAX - 1) {
		kit_text_puts(q->to, "=\r\n");
		q->column = 0;
	}
	kit_text_add(q->to, piece, len);
	q->column += len;
}

/* A space at the end of a line must be coded: transports remove it. */
static void qp_byte(struct qp_writer *q, unsigned char c, bool last_of_line)
{
	static const char hex[] = "0123456789ABCDEF";
	bool blank = c == ' ' || c == '\t';
	bool literal = (c > 0x20 && c < 0x7F && c != '=') || (blank && !last_of_line);
	const char coded[3] = { '=', hex[c >> 4], hex[c & 15] };
	if (literal)
		qp_put(q, (const char *)&c, 1);
	else
		qp_put(q, coded, sizeof coded);
}

static bool ends_line(struct almoner_text b, size_t i)
{
	return i >= b.len || b.p[i] == '\n' || b.p[i] == '\r';
}

/* Line ends of the body become CRLF; the last line gets one too. */
static void put_quoted_printable(struct kit_text *to, struct almoner_text body)
{
	struct qp_writer q = { to, 0 };
	for (size_t i = 0; i < body.len; i++) {
		if (!ends_line(body, i)) {
			qp_byte(&q, (unsigned char)body.p[i], ends_line(body, i + 1));
			continue;
		}
		if (body.p[i] == '\r' && i + 1 < body.len && body.p[i + 1] == '\n')
			i++;
		kit_text_puts(to, "\r\n");
		q.column = 0;
	}
	if (q.column > 0 || body.len == 0)
		kit_text_puts(to, "\r\n");
}

void mime_text_part(struct kit_text *to, const char *type, const struct kit_text *body)
{
	kit_text_printf(
		to, "Content-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", type);
	put_quoted_printable(to, kit_text_view(body));
}
