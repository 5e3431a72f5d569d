#include "config/list.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"

void config_list_add_owned(struct config_list *list, char *text)
{
	list->items = mem_grow(list->items, (list->count + 1) * sizeof(char *));
	list->items[list->count++] = text;
}

void config_list_add(struct config_list *list, const char *text)
{
	config_list_add_owned(list, mem_strdup(text));
}

void config_list_finish(struct config_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct config_list){ 0 };
}

bool config_list_has(const struct config_list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->items[i], text) == 0)
			return true;
	}
	return false;
}
