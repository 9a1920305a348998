/* For tests that use up all memory: a KVM that interprets a guest takes a minute to clear 15 MiB. */
#pragma once

#define FEW_PAGES 64u

/* Has page_alloc begin near the end of RAM. */
void leave_few_pages(void);
