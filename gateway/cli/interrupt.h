/* Ctrl-C while a job is waited for: says that the job goes on and how to see or end it, then ends this
 * process. Private to the room. */
#ifndef ALMONER_CLI_INTERRUPT_H
#define ALMONER_CLI_INTERRUPT_H

struct interrupt;
/* A thread of its own waits for SIGINT. NULL when there is none to be had: then Ctrl-C just ends the process.
 */
struct interrupt *interrupt_begin(long long job);
/* NULL is accepted. */
void interrupt_end(struct interrupt *interrupt);

#endif
