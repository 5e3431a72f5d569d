/* What all files of the engine use: the time of the present tick, a target by its id, a line for the log. */
#include "gateway/engine/engine_internal.h"

int64_t engine_now_ms(struct engine *e)
{
	if (!e->now_known) {
		e->now_ms = e->options.clock.now_ms(e->options.clock.ctx);
		e->now_known = true;
	}
	return e->now_ms;
}

int64_t engine_wall_ms(struct engine *e)
{
	if (!e->wall_known) {
		e->wall_ms = e->options.clock.wall_ms(e->options.clock.ctx);
		e->wall_known = true;
	}
	return e->wall_ms;
}

struct engine_target *engine_find_target(struct engine *e, uint32_t id)
{
	struct engine_target *t;
	TAILQ_FOREACH(t, &e->targets, link)
	{
		if (t->id == id)
			return t;
	}
	return NULL;
}

void engine_log_line(struct engine *e, enum engine_log_level level, const struct engine_target *t,
					 const char *text)
{
	if (e->options.log.line != NULL)
		e->options.log.line(e->options.log.ctx, level, t != NULL ? t->name : "", text);
}
