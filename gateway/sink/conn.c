/* Watching and closing a connection of the HTTP half. */
#include "gateway/sink/conn.h"

#include <stdlib.h>
#include <unistd.h>

void sink_conn_close(struct sink_conn *c)
{
	if (c->phase == SINK_CONN_CONTROLLED)
		sink_waiters_forget(c->sink, c);
	if (c->endpoint != NULL)
		c->endpoint->open--;
	ev_timer_stop(c->sink->loop, &c->timer);
	ev_io_stop(c->sink->loop, &c->io);
	LIST_REMOVE(c, link);
	close(c->fd);
	buf_free(&c->in);
	buf_free(&c->out);
	free(c);
}

void sink_conn_watch(struct sink_conn *c, int events)
{
	if (c->io.events == events)
		return;
	ev_io_stop(c->sink->loop, &c->io);
	ev_io_set(&c->io, c->fd, events);
	ev_io_start(c->sink->loop, &c->io);
}
