/* Dates of the event in the forms that targets want. The years 1970 to 9999. */
#ifndef ALMONER_KIT_DATE_H
#define ALMONER_KIT_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "connectors/kit/context.h"

/* The longest form, "Mon, 23 Nov 2026 22:09:00 +0100" and its NUL, needs 32 bytes; rounded up. */
#define KIT_DATE_BYTES 40

/* Reads RFC 3339: "2026-11-23T22:09:00.5+01:00". A space or a small t may stand for the T, and a date without
 * a time is midnight UTC. `ret_ms` is in milliseconds since 1970, `ret_offset_min` the offset from UTC as
 * written. False: the text is no such date, and the outputs stay untouched. */
bool kit_date_parse(const char *text, int64_t *ret_ms, int *ret_offset_min);

/* Each writes the time that a clock with this offset from UTC showed. `offset_min` is less than a day. */
void kit_date_day(int64_t ms, int offset_min, char out[KIT_DATE_BYTES]);     /* 2026-11-23 */
void kit_date_seconds(int64_t ms, int offset_min, char out[KIT_DATE_BYTES]); /* 2026-11-23 22:09:00 */
/* RFC 5322: Mon, 23 Nov 2026 22:09:00 +0100 */
void kit_date_mail(int64_t ms, int offset_min, char out[KIT_DATE_BYTES]);

/* The time of the gift: occurred_at of the event, otherwise the time at which the gateway accepted the event.
 * Both are the same on every attempt. False if neither is known. Needs a loaded context. */
bool kit_date_of_event(struct kit_context *context, int64_t *ret_ms, int *ret_offset_min);

#endif
