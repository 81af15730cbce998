/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the site's rules. Lists are texts with commas, as the file has them. */
#include "site-agent/policy.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

/* The next item of '*rest', which moves behind its comma; its length in '*ret_n'. NULL at the end.
 */
static const char *next_item(const char **rest, size_t *ret_n)
{
        const char *item = *rest;

        if (!item || !*item)
                return NULL;
        *ret_n = strcspn(item, ",");
        *rest = item + *ret_n + (item[*ret_n] == ',');
        return item;
}

static bool list_has(const char *list, const char *word)
{
        const char *item;
        size_t n;

        while ((item = next_item(&list, &n)))
                if (strlen(word) == n && memcmp(item, word, n) == 0)
                        return true;
        return false;
}

static bool is_open(const char *list)
{
        return !list || !*list;
}

bool policy_allows_project(const struct policy *p, const char *site, const char *project,
                           struct fault *why)
{
        if (is_open(p->projects) || list_has(p->projects, project))
                return true;
        fault_set(why, 403, "site.policy", "Site %s does not serve this project.", site);
        return false;
}

bool policy_allows_port(const struct policy *p, const char *site, const struct port_want *want,
                        struct fault *why)
{
        if (!policy_allows_project(p, site, want->project_id, why))
                return false;
        if (!is_open(p->peer_sites) && !list_has(p->peer_sites, want->peer_site)) {
                fault_set(why, 403, "site.policy", "Site %s has no links to site %s.", site,
                          want->peer_site);
                return false;
        }
        if (p->max_kbps && (want->tx_kbps > p->max_kbps || want->rx_kbps > p->max_kbps)) {
                fault_set(why, 403, "site.policy",
                          "Site %s allows a link at most %" PRId64 " kbit/s each way.", site,
                          p->max_kbps);
                fault_details(why, "{\"max_kbps\":%" PRId64 "}", p->max_kbps);
                return false;
        }
        return true;
}

void policy_cloud_project(const struct policy *p, const char *project, char ret[PROJECT_SIZE])
{
        const char *rest = p->project_map, *item;
        size_t n, n_project = strlen(project);

        text_copy(ret, PROJECT_SIZE, project);
        while ((item = next_item(&rest, &n)))
                if (n > n_project && item[n_project] == ':' &&
                    memcmp(item, project, n_project) == 0 && n - n_project - 1 < PROJECT_SIZE) {
                        memcpy(ret, item + n_project + 1, n - n_project - 1);
                        ret[n - n_project - 1] = '\0';
                        return;
                }
}

void policy_atlas_project(const struct policy *p, const char *cloud, char ret[PROJECT_SIZE])
{
        const char *rest = p->project_map, *item;
        size_t n, n_cloud = strlen(cloud);

        text_copy(ret, PROJECT_SIZE, cloud);
        while ((item = next_item(&rest, &n)))
                if (n > n_cloud + 1 && item[n - n_cloud - 1] == ':' &&
                    memcmp(item + n - n_cloud, cloud, n_cloud) == 0 &&
                    n - n_cloud - 1 < PROJECT_SIZE) {
                        memcpy(ret, item, n - n_cloud - 1);
                        ret[n - n_cloud - 1] = '\0';
                        return;
                }
}
