/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotency keys: what was accepted under a key is answered again from the stored answer,
 * whatever the method; it is stored in the transaction that does it. Two conductors that accept the
 * same key at once cannot both commit. */
#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "base/text.h"
#include "conductor/turn.h"

enum { ONCE_KEY_SIZE = PROJECT_SIZE + METHOD_SIZE + KEY_SIZE };

static const char *key_of(const struct input *in)
{
        return in->kind == INPUT_REQUEST ? input_text(in, "idempotency_key") : "";
}

static const char *project_of(const struct input *in)
{
        const char *project = request_context(in->request, "project_id");

        return project ? project : "";
}

int once_plan(struct turn *t, const struct input *in)
{
        return idset_add(&t->plan.keys, key_of(in));
}

int once_replay(struct turn *t, const struct input *in, bool *ret_done, struct fault *why)
{
        char row_key[ONCE_KEY_SIZE];
        const struct request_key *row;
        json_t *answer;

        *ret_done = false;
        if (!*key_of(in))
                return 0;
        snprintf(row_key, sizeof row_key, "%s/%s/%s", project_of(in), in->request->method,
                 key_of(in));
        row = view_get(&t->view, T_REQUEST_KEY, row_key);
        if (!row)
                return 0;
        if (!text_equal(row->request_hash, input_text(in, "request_hash")))
                return fault_set(why, 422, "request.key_reused",
                                 "Idempotency-Key %.100s was used for another request.",
                                 key_of(in));
        *ret_done = true;
        answer = json_loads(row->answer, 0, NULL);
        return answer ? out_reply_whole(t, answer) : err_raise(-EINVAL);
}

/* The id of the object in its envelope. */
static const char *object_id_of(const json_t *answer)
{
        const json_t *object =
                json_object_iter_value(json_object_iter((json_t *)(uintptr_t)answer));

        return json_string_value(json_object_get(object, "id"));
}

int once_remember(struct turn *t, const struct input *in, size_t n_outs)
{
        struct request_key row = { .created_ms = t->now_ms };
        const struct out *reply = NULL;
        char *text;
        bool fits;

        for (size_t i = n_outs; i < t->outs->n && *key_of(in); i++)
                if (t->outs->outs[i].kind == OUT_REPLY && t->outs->outs[i].input == in)
                        reply = &t->outs->outs[i];
        if (!reply)
                return 0;
        text = json_dumps(reply->body, JSON_COMPACT);
        fits = text && TEXT_SET(row.answer, text);
        mem_free(text);
        if (!fits || !TEXT_SET(row.project_id, project_of(in)) ||
            !TEXT_SET(row.method, in->request->method) || !TEXT_SET(row.key, key_of(in)) ||
            !TEXT_SET(row.request_hash, input_text(in, "request_hash")))
                return err_raise(-EMSGSIZE);
        TEXT_SET(row.object_id, object_id_of(reply->body));
        return view_put(&t->view, T_REQUEST_KEY, &row) ? 0 : err_raise(-ENOMEM);
}
