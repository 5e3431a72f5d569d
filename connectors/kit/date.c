#include "connectors/kit/date.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Reads exactly `digits` digits and moves *p behind them. */
static bool number(const char **p, size_t digits, int *ret)
{
	int value = 0;
	for (size_t i = 0; i < digits; i++) {
		char c = (*p)[i];
		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (c - '0');
	}
	*p += digits;
	*ret = value;
	return true;
}

/* Moves *p over one character if it is one of `any_of`. */
static bool literal(const char **p, const char *any_of)
{
	if (**p == '\0' || strchr(any_of, **p) == NULL)
		return false;
	(*p)++;
	return true;
}

static bool day_exists(const struct tm *tm)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year = tm->tm_year + 1900;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	if (year < 1970 || tm->tm_mon < 0 || tm->tm_mon > 11)
		return false;
	return tm->tm_mday >= 1 && tm->tm_mday <= days[tm->tm_mon] + (tm->tm_mon == 1 && leap ? 1 : 0);
}

static bool read_day(const char **p, struct tm *tm)
{
	if (!number(p, 4, &tm->tm_year) || !literal(p, "-") || !number(p, 2, &tm->tm_mon) || !literal(p, "-") ||
		!number(p, 2, &tm->tm_mday))
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon -= 1;
	return day_exists(tm);
}

/* A second of 60 is a leap second. Digits after the third of a fraction are dropped. */
static bool read_time(const char **p, struct tm *tm, int *ms)
{
	if (!number(p, 2, &tm->tm_hour) || !literal(p, ":") || !number(p, 2, &tm->tm_min) || !literal(p, ":") ||
		!number(p, 2, &tm->tm_sec) || tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 60)
		return false;
	*ms = 0;
	if (!literal(p, "."))
		return true;
	size_t digits = strspn(*p, "0123456789");
	for (size_t i = 0; i < 3; i++)
		*ms = *ms * 10 + (i < digits ? (*p)[i] - '0' : 0);
	*p += digits;
	return digits > 0;
}

/* "Z", or "+01:00"; the result is in minutes. */
static bool read_offset(const char **p, int *offset_min)
{
	*offset_min = 0;
	if (literal(p, "Zz"))
		return true;
	int sign = **p == '-' ? -1 : 1;
	int hours = 0;
	int minutes = 0;
	if (!literal(p, "+-") || !number(p, 2, &hours) || !literal(p, ":") || !number(p, 2, &minutes) ||
		hours > 23 || minutes > 59)
		return false;
	*offset_min = sign * (hours * 60 + minutes);
	return true;
}

/* timegm gives the time as if the text were UTC; the offset is subtracted afterwards. */
bool kit_date_parse(const char *text, int64_t *ret_ms, int *ret_offset_min)
{
	assert(text != NULL);
	struct tm tm = { 0 };
	int ms = 0;
	int offset = 0;
	const char *p = text;
	if (!read_day(&p, &tm))
		return false;
	if (*p != '\0' && (!literal(&p, "Tt ") || !read_time(&p, &tm, &ms) || !read_offset(&p, &offset)))
		return false;
	if (*p != '\0')
		return false;
	*ret_ms = ((int64_t)timegm(&tm) - (int64_t)offset * 60) * 1000 + ms;
	*ret_offset_min = offset;
	return true;
}

static struct tm local_time(int64_t ms, int offset_min)
{
	assert(offset_min > -24 * 60 && offset_min < 24 * 60);
	time_t at = (time_t)(ms / 1000 + (int64_t)offset_min * 60);
	struct tm tm = { 0 };
	gmtime_r(&at, &tm);
	return tm;
}

void kit_date_day(int64_t ms, int offset_min, char out[KIT_DATE_BYTES])
{
	struct tm tm = local_time(ms, offset_min);
	if (strftime(out, KIT_DATE_BYTES, "%Y-%m-%d", &tm) == 0)
		out[0] = '\0';
}

void kit_date_seconds(int64_t ms, int offset_min, char out[KIT_DATE_BYTES])
{
	struct tm tm = local_time(ms, offset_min);
	if (strftime(out, KIT_DATE_BYTES, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		out[0] = '\0';
}

/* Mail wants English names of days and months. strftime would write those of the locale, and a plugin does
 * not know which locale its host has set. The remainders only show the compiler that the text fits. */
void kit_date_mail(int64_t ms, int offset_min, char out[KIT_DATE_BYTES])
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
									  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm tm = local_time(ms, offset_min);
	int size = offset_min < 0 ? -offset_min : offset_min;
	snprintf(out, KIT_DATE_BYTES, "%s, %02d %s %04d %02d:%02d:%02d %c%02d%02d", days[tm.tm_wday % 7],
			 tm.tm_mday % 100, months[tm.tm_mon % 12], (tm.tm_year + 1900) % 10000, tm.tm_hour % 100,
			 tm.tm_min % 100, tm.tm_sec % 100, offset_min < 0 ? '-' : '+', (size / 60) % 100, size % 60);
}

bool kit_date_of_event(struct kit_context *context, int64_t *ret_ms, int *ret_offset_min)
{
	const char *occurred = kit_context_text(context, "occurred_at");
	if (occurred != NULL && kit_date_parse(occurred, ret_ms, ret_offset_min))
		return true;
	*ret_ms = context->step->accepted_ms;
	*ret_offset_min = 0;
	return context->step->accepted_ms > 0;
}
