/* Changing a struct config_list (config.h): an array of texts that the list owns. */
#ifndef ALMONER_CONFIG_LIST_H
#define ALMONER_CONFIG_LIST_H

#include "config/config.h"

void config_list_add(struct config_list *list, const char *text); /* copies `text` */
void config_list_add_owned(struct config_list *list, char *text); /* takes `text`, from malloc */
void config_list_finish(struct config_list *list); /* frees the texts; the list is empty after */
bool config_list_has(const struct config_list *list, const char *text);

#endif
