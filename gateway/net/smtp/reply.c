#include "gateway/net/smtp/reply.h"

/* The longest text kept of a mail server's reply. Chosen; no measurement. */
#define TEXT_CAP_BYTES 2048

void smtp_reply_init(struct smtp_reply *r)
{
	*r = (struct smtp_reply){ 0 };
	buf_init(&r->text, TEXT_CAP_BYTES);
	buf_init(&r->previous_text, TEXT_CAP_BYTES);
}

void smtp_reply_finish(struct smtp_reply *r)
{
	buf_free(&r->text);
	buf_free(&r->previous_text);
}

/* The code at the beginning of a reply line, which is three digits; 0 when the line is no reply line. */
static uint32_t line_code(const char *line, size_t len)
{
	if (len < 3 || (len > 3 && line[3] != ' ' && line[3] != '-'))
		return 0;
	uint32_t code = 0;
	for (size_t i = 0; i < 3; i++) {
		if (line[i] < '0' || line[i] > '9')
			return 0;
		code = code * 10 + (uint32_t)(line[i] - '0');
	}
	return code;
}

static void swap_texts(struct smtp_reply *r)
{
	struct buf text = r->text;
	r->text = r->previous_text;
	r->previous_text = text;
}

static void add_text(struct smtp_reply *r, const char *p, size_t len)
{
	if (!r->in_multiline) {
		swap_texts(r);
		buf_clear(&r->text);
	} else {
		buf_byte(&r->text, '\n');
	}
	size_t left = TEXT_CAP_BYTES - r->text.len;
	buf_add(&r->text, p, len < left ? len : left);
}

static void reply_complete(struct smtp_reply *r, uint32_t code)
{
	if (r->replies++ == 0)
		r->greeting = code;
	r->previous_status = r->status;
	r->status = code;
	if (r->data_accepted)
		r->final = true;
	else if (code == 354)
		r->data_accepted = true;
}

/* "250-text" continues a reply, "250 text" and "250" end it. */
void smtp_reply_line(struct smtp_reply *r, const char *line, size_t len)
{
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	uint32_t code = line_code(line, len);
	if (code == 0 || r->final)
		return;
	bool last = len == 3 || line[3] == ' ';
	if (len > 4)
		add_text(r, line + 4, len - 4);
	else
		add_text(r, "", 0);
	r->in_multiline = !last;
	if (last)
		reply_complete(r, code);
}

void smtp_reply_settle(struct smtp_reply *r, uint32_t code)
{
	if (r->final || r->status == code || r->previous_status != code)
		return;
	r->status = code;
	swap_texts(r);
}
