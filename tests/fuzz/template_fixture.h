/* One donation event for the template targets. */
#ifndef ALMONER_TESTS_FUZZ_TEMPLATE_FIXTURE_H
#define ALMONER_TESTS_FUZZ_TEMPLATE_FIXTURE_H

#include <string.h>

#include "connectors/kit/context.h"
#include "connectors/kit/text.h"

static const char fuzz_event[] =
	"{\"id\":\"evt_1\",\"type\":\"donation.created\",\"gift\":\"<&\\\"'\",\"occurred_at\":\"2026-11-23T21:15:"
	"00+01:00\","
	"\"donor\":{\"name\":\"Ada\\r\\nBcc: "
	"x\",\"email\":\"ada@example.org\"},\"list\":[1,[2],{\"a\":null}],\"empty\":\"\","
	"\"no\":false,\"amount\":{\"minor\":2550,\"value\":\"25.50\",\"currency\":\"EUR\"}}";

static inline void fuzz_key(void *step, const char *label, char out[33])
{
	(void)step;
	(void)label;
	memset(out, 'k', 32);
	out[32] = '\0';
}

static inline struct almoner_step fuzz_step(void)
{
	return (struct almoner_step){
		.size = sizeof(struct almoner_step),
		.purpose = ALMONER_DO,
		.source = kit_text_lit("forms"),
		.event_id = kit_text_lit("evt_1"),
		.name = kit_text_lit("crm"),
		.event = kit_text_lit(fuzz_event),
		.key = fuzz_key,
	};
}

#endif
