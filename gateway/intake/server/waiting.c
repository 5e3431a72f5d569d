/* A request waits, suspended in libmicrohttpd, until its event is committed. The commit, the deadline and the
 * stop of the server may all want to answer it: the one that takes the request off the list of waiting
 * requests, under the lock, is the only one that resumes it. Until then the request cannot end. */
#include "gateway/intake/server/request_internal.h"

/* Retry-After, in seconds, of a request whose event was not committed in time. Chosen; no measurement. */
#define RETRY_LATE_S 5

void waiting_begin(struct server_request *r)
{
	assert(!r->waiting && !r->suspended && !r->answered);
	struct intake_server *s = r->server;
	int64_t now_ms = intake_server_now(s);
	pthread_mutex_lock(&s->lock);
	connection_set_phase_locked(s, r->connection, CONNECTION_WAITING, now_ms);
	r->due_ms = now_ms + r->rules->config->limits.commit_wait_ms;
	r->waiting = true;
	r->suspended = true;
	s->suspended++;
	TAILQ_INSERT_TAIL(&s->waiting, r, waiting_link);
	pthread_mutex_unlock(&s->lock);
	MHD_suspend_connection(r->mhd);
}

/* Takes a request off the list of waiting requests and stores its answer. Called under the lock; the
 * caller resumes the request after it has released the lock. */
static void take_off(struct server_request *r, const struct intake_answer *answer)
{
	assert(r->waiting);
	TAILQ_REMOVE(&r->server->waiting, r, waiting_link);
	r->waiting = false;
	r->answered = true;
	r->answer = *answer;
}

void waiting_answer(struct server_request *r, const struct intake_answer *answer)
{
	struct intake_server *s = r->server;
	pthread_mutex_lock(&s->lock);
	bool mine = r->waiting;
	if (mine)
		take_off(r, answer);
	pthread_mutex_unlock(&s->lock);
	if (mine)
		MHD_resume_connection(r->mhd);
}

/* Moves the waiting requests whose due time has passed to the list `late`. Under the lock. */
static void take_late(struct intake_server *s, int64_t now_ms, struct requests *late)
{
	const struct intake_answer answer = answer_busy(RETRY_LATE_S, "not recorded in time, send it again");
	struct server_request *next;
	for (struct server_request *r = TAILQ_FIRST(&s->waiting); r != NULL; r = next) {
		next = TAILQ_NEXT(r, waiting_link);
		if (r->due_ms > now_ms)
			continue;
		take_off(r, &answer);
		TAILQ_INSERT_TAIL(late, r, waiting_link);
		counter_add(r->counter, INTAKE_LATE);
	}
}

/* The requests in `late` stay valid without a reference: they are suspended, and no other thread resumes
 * them. */
void waiting_answer_late(struct intake_server *s, int64_t now_ms)
{
	struct requests late = TAILQ_HEAD_INITIALIZER(late);
	struct server_request *r;
	pthread_mutex_lock(&s->lock);
	take_late(s, now_ms, &late);
	pthread_mutex_unlock(&s->lock);
	while ((r = TAILQ_FIRST(&late)) != NULL) {
		TAILQ_REMOVE(&late, r, waiting_link);
		MHD_resume_connection(r->mhd);
	}
}

void waiting_end(struct server_request *r)
{
	if (!r->suspended)
		return;
	r->suspended = false;
	r->server->suspended--;
	connection_notify_waiters(r->server);
}

bool waiting_take_answer(struct server_request *r, struct intake_answer *ret)
{
	struct intake_server *s = r->server;
	pthread_mutex_lock(&s->lock);
	bool answered = r->answered;
	if (answered) {
		*ret = r->answer;
		waiting_end(r);
	}
	pthread_mutex_unlock(&s->lock);
	return answered;
}
