/* What other threads bring to the engine: one mutex, and the rule that the engine is woken once between
 * two ticks. */
#include <stdlib.h>

#include "gateway/engine/engine_internal.h"
#include "saga/base/array.h"
#include "saga/base/check.h"
#include "saga/base/mem.h"

static void content_init(struct inbox_content *content)
{
	*content = (struct inbox_content){ .news_count = 0 };
	STAILQ_INIT(&content->works);
	STAILQ_INIT(&content->sets);
}

void inbox_init(struct inbox *box)
{
	box->wake_pending = false;
	content_init(&box->content);
	int failed = pthread_mutex_init(&box->lock, NULL);
	assert(failed == 0);
}

static void set_free(struct target_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->names[i]);
	free(set->names);
	free(set->targets);
	free(set);
}

void inbox_content_free(struct inbox_content *content)
{
	while (!STAILQ_EMPTY(&content->works)) {
		struct work *w = STAILQ_FIRST(&content->works);
		STAILQ_REMOVE_HEAD(&content->works, link);
		work_destroy(w);
	}
	while (!STAILQ_EMPTY(&content->sets)) {
		struct target_set *set = STAILQ_FIRST(&content->sets);
		STAILQ_REMOVE_HEAD(&content->sets, link);
		set_free(set);
	}
	free(content->news);
}

void inbox_finish(struct inbox *box)
{
	inbox_content_free(&box->content);
	pthread_mutex_destroy(&box->lock);
}

static void lock(struct inbox *box)
{
	int failed = pthread_mutex_lock(&box->lock);
	assert(failed == 0);
}

/* Unlocks. Returns whether the engine must be woken: true for the first delivery since the last tick. */
static bool unlock_first(struct inbox *box)
{
	bool first = !box->wake_pending;
	box->wake_pending = true;
	int failed = pthread_mutex_unlock(&box->lock);
	assert(failed == 0);
	return first;
}

/* The lists are moved, not copied: a STAILQ head holds a pointer to its own last link. */
void inbox_take(struct inbox *box, struct inbox_content *ret)
{
	lock(box);
	*ret = box->content;
	STAILQ_INIT(&ret->works);
	STAILQ_CONCAT(&ret->works, &box->content.works);
	STAILQ_INIT(&ret->sets);
	STAILQ_CONCAT(&ret->sets, &box->content.sets);
	content_init(&box->content);
	box->wake_pending = false;
	int failed = pthread_mutex_unlock(&box->lock);
	assert(failed == 0);
}

static void add_news(struct inbox_content *content, const struct target_news *news)
{
	ARRAY_GROW(content->news, content->news_count, content->news_cap);
	content->news[content->news_count++] = *news;
}

bool inbox_deliver(struct inbox *box, const struct handout *handout)
{
	struct work_list works = handout->works;
	if (STAILQ_EMPTY(&works)) /* the head of an empty list points into itself, so its copy would be wrong */
		STAILQ_INIT(&works);
	lock(box);
	STAILQ_CONCAT(&box->content.works, &works);
	for (size_t i = 0; i < handout->news_count; i++)
		add_news(&box->content, &handout->news[i]);
	return unlock_first(box);
}

/* Copies everything, names included, because the caller's configuration may be freed before the next tick. */
bool inbox_set_targets(struct inbox *box, const struct engine_target_config *targets, size_t count)
{
	struct target_set *set = mem_zalloc(sizeof *set);
	set->count = count;
	set->targets = mem_zalloc(count * sizeof *targets);
	set->names = mem_zalloc(count * sizeof *set->names);
	for (size_t i = 0; i < count; i++) {
		set->names[i] = mem_strdup(targets[i].name);
		set->targets[i] = targets[i];
		set->targets[i].name = set->names[i];
	}
	lock(box);
	STAILQ_INSERT_TAIL(&box->content.sets, set, link);
	return unlock_first(box);
}
