/* What commands and messages of an SMTP session share: replies, faults, and the mail that is being
 * received. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/sink/smtp.h"
#include "saga/base/mem.h"

bool sink_smtp_send(struct smtp_session *s, const char *text)
{
	if (send(s->fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text))
		return true;
	sink_smtp_close(s); /* a short reply always fits into the socket buffer of a peer that reads */
	return false;
}

bool sink_smtp_perform(struct smtp_session *s, const struct smtp_fault *fault)
{
	if (fault->mode == SMTP_FAULT_SILENCE) {
		s->silent = true;
		return true;
	}
	if (fault->mode == SMTP_FAULT_RESET) {
		struct linger now = { .l_onoff = 1, .l_linger = 0 };
		int failed = setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		assert(failed == 0);
	}
	sink_smtp_close(s);
	return false;
}

bool sink_smtp_apply(struct smtp_session *s, enum smtp_stage stage, bool *hit)
{
	const struct smtp_fault *fault = sink_smtp_fault(s->sink->smtp, stage);
	*hit = fault != NULL;
	if (fault == NULL)
		return true;
	if (fault->mode != SMTP_FAULT_REPLY)
		return sink_smtp_perform(s, fault);
	AUTO_FREE char *line = mem_printf("%s\r\n", fault->reply);
	if (!sink_smtp_send(s, line))
		return false;
	if (strncmp(fault->reply, "421", 3) != 0)
		return true;
	sink_smtp_close(s);
	return false;
}

bool sink_smtp_answer(struct smtp_session *s, enum smtp_stage stage, const char *text)
{
	bool hit;
	if (!sink_smtp_apply(s, stage, &hit))
		return false;
	return hit || sink_smtp_send(s, text);
}

void sink_smtp_reset_mail(struct smtp_session *s)
{
	buf_clear(&s->from);
	buf_clear(&s->message);
	json_decref(s->recipients);
	s->recipients = NULL;
	s->in_data = false;
}

void sink_smtp_close(struct smtp_session *s)
{
	s->gone = true;
}
