/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl with everything off that a service must not do by itself: signals, redirects, other
 * protocols, bodies without end. */
#include "http/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/err.h"

enum { CONNECT_MAX_MS = 5000, RETRY_AFTER_MS = 1000 };

struct http_client {
        CURL *curl;
        char *ca_file;
        bool insecure;
};

/* One call under way: where the bytes go, and whether they became too many. */
struct transfer {
        const struct http_call *call;
        struct http_reply *reply;
        bool too_much;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready;

static void curl_start(void)
{
        curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

int http_client_new(const char *ca_file, bool insecure, struct http_client **ret)
{
        OWN(http_client_free) struct http_client *c = NULL;

        pthread_once(&curl_once, curl_start);
        if (curl_ready != CURLE_OK)
                return err_raise(-EIO);
        c = calloc(1, sizeof *c);
        if (!c)
                return err_raise(-ENOMEM);
        c->insecure = insecure;
        c->ca_file = strdup(ca_file ? ca_file : "");
        c->curl = curl_easy_init();
        if (!c->ca_file || !c->curl)
                return err_raise(-ENOMEM);
        *ret = TAKE(c);
        return 0;
}

struct http_client *http_client_free(struct http_client *c)
{
        if (!c)
                return NULL;
        curl_easy_cleanup(c->curl);
        free(c->ca_file);
        free(c);
        return NULL;
}

void http_reply_done(struct http_reply *r)
{
        text_done(&r->headers);
        text_done(&r->body);
        *r = (struct http_reply){ 0 };
}

static bool is_stream(const struct transfer *t)
{
        static const char stream[] = "text/event-stream";
        char type[64];

        return t->call->on_stream &&
               http_reply_header(t->reply, "Content-Type", type, sizeof type) &&
               strncasecmp(type, stream, sizeof stream - 1) == 0;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *user)
{
        struct transfer *t = user;
        struct text *body = &t->reply->body;

        if (is_stream(t)) {
                t->call->on_stream(t->call->user, bytes, size * n);
                return size * n;
        }
        if (body->n + size * n > HTTP_CLIENT_BODY_MAX) {
                t->too_much = true;
                return 0;
        }
        text_add_n(body, bytes, size * n);
        return body->failed ? 0 : size * n;
}

/* Lines of an earlier answer (100 Continue, a proxy's) are dropped when the next status line comes.
 */
static size_t on_header(char *bytes, size_t size, size_t n, void *user)
{
        struct transfer *t = user;
        struct text *headers = &t->reply->headers;
        size_t length = size * n;

        if (headers->n + length > HTTP_CLIENT_HEADERS_MAX) {
                t->too_much = true;
                return 0;
        }
        if (length >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
                text_reset(headers);
                return length;
        }
        while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r'))
                length--;
        if (length > 0) {
                text_add_n(headers, bytes, length);
                text_add(headers, "\n");
        }
        return headers->failed ? 0 : size * n;
}

/* "http://host:port", all of a URL that may be shown. */
static void url_origin(const char *url, char *ret, size_t size)
{
        const char *host = strstr(url, "://");
        size_t n = 0;

        if (host) {
                const char *end = host + 3 + strcspn(host + 3, "/?#");
                const char *at = memchr(host + 3, '@', (size_t)(end - host - 3));
                size_t scheme = at ? 0 : (size_t)(host + 3 - url);
                const char *from = at ? at + 1 : host + 3;

                n = scheme + (size_t)(end - from);
                url = at ? from : url;
        }
        if (n >= size)
                n = size - 1;
        memcpy(ret, url, n);
        ret[n] = '\0';
}

static int setup(struct http_client *c, const struct http_call *call, struct curl_slist *headers,
                 struct transfer *t, int64_t left_ms)
{
        CURLcode r = CURLE_OK;

        /* Keeps connections, the name cache and TLS sessions. */
        curl_easy_reset(c->curl);
#define SET(option, value) r = r != CURLE_OK ? r : curl_easy_setopt(c->curl, (option), (value))
        SET(CURLOPT_URL, call->url);
        SET(CURLOPT_CUSTOMREQUEST, call->method);
        SET(CURLOPT_HTTPHEADER, headers);
        SET(CURLOPT_NOSIGNAL, 1L);
        SET(CURLOPT_FOLLOWLOCATION, 0L);
        SET(CURLOPT_PROTOCOLS_STR, "http,https");
        SET(CURLOPT_TIMEOUT_MS, (long)left_ms);
        SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(left_ms < CONNECT_MAX_MS ? left_ms : CONNECT_MAX_MS));
        SET(CURLOPT_WRITEFUNCTION, on_body);
        SET(CURLOPT_WRITEDATA, t);
        SET(CURLOPT_HEADERFUNCTION, on_header);
        SET(CURLOPT_HEADERDATA, t);
        if (call->on_stream) {
                SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
                SET(CURLOPT_LOW_SPEED_TIME, (long)HTTP_CLIENT_SILENCE_S);
        }
        if (strcmp(call->method, "HEAD") == 0)
                SET(CURLOPT_NOBODY, 1L);
        if (call->body || call->method[0] == 'P') { /* POST, PUT, PATCH: always with a length */
                SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(call->body ? call->n_body : 0));
                SET(CURLOPT_POSTFIELDS, call->body ? call->body : "");
                /* libcurl sends again what an old connection swallowed; that would carry it out
                 * twice. */
                SET(CURLOPT_FRESH_CONNECT, 1L);
        }
        if (c->ca_file[0])
                SET(CURLOPT_CAINFO, c->ca_file);
        if (c->insecure) {
                SET(CURLOPT_SSL_VERIFYPEER, 0L);
                SET(CURLOPT_SSL_VERIFYHOST, 0L);
        }
#undef SET
        return r == CURLE_OK ? 0 : err_raise(-ENOMEM);
}

static int explain(const struct http_call *call, const struct transfer *t, CURLcode r,
                   struct fault *why)
{
        char origin[128];

        url_origin(call->url, origin, sizeof origin);
        if (t->too_much) {
                fault_set(why, 502, "http.too_much", "%s answered with more than %d MiB.", origin,
                          HTTP_CLIENT_BODY_MAX >> 20);
                return HTTP_CLIENT_TOO_MUCH;
        }
        switch (r) {
        case CURLE_OUT_OF_MEMORY:
        case CURLE_WRITE_ERROR:
                return err_raise(-ENOMEM);
        case CURLE_OPERATION_TIMEDOUT:
                fault_set(why, 503, "http.timeout", "%s did not answer in time.", origin);
                why->retry_after_ms = RETRY_AFTER_MS;
                return HTTP_CLIENT_TIMEOUT;
        case CURLE_PARTIAL_FILE:
        case CURLE_GOT_NOTHING:
        case CURLE_RECV_ERROR:
        case CURLE_SEND_ERROR:
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_BAD_CONTENT_ENCODING:
        case CURLE_HTTP2:
        case CURLE_HTTP2_STREAM:
                fault_set(why, 502, "http.bad_answer", "%s gave a broken answer: %s.", origin,
                          curl_easy_strerror(r));
                why->retry_after_ms = RETRY_AFTER_MS;
                return HTTP_CLIENT_BAD_ANSWER;
        default:
                fault_set(why, 503, "http.unreachable", "%s cannot be reached: %s.", origin,
                          curl_easy_strerror(r));
                why->retry_after_ms = RETRY_AFTER_MS;
                return HTTP_CLIENT_UNREACHABLE;
        }
}

static struct curl_slist *header_list(const char *const *headers)
{
        struct curl_slist *list = curl_slist_append(NULL, "Expect:");

        for (; list && headers && *headers; headers++) {
                struct curl_slist *longer = curl_slist_append(list, *headers);

                if (!longer)
                        curl_slist_free_all(list);
                list = longer;
        }
        return list;
}

int http_client_call(struct http_client *c, const struct http_call *call, struct http_reply *ret,
                     struct fault *why)
{
        struct fault unused;
        struct transfer t = { .call = call, .reply = ret };
        int64_t left_ms = call->deadline_mono_ms - clock_mono_ms();
        struct curl_slist *headers;
        CURLcode done;
        long status = 0;
        int r;

        why = why ? why : &unused;
        http_reply_done(ret);
        if (left_ms <= 0)
                return explain(call, &t, CURLE_OPERATION_TIMEDOUT, why);
        headers = header_list(call->headers);
        if (!headers)
                return err_raise(-ENOMEM);
        r = setup(c, call, headers, &t, left_ms);
        done = r ? CURLE_OUT_OF_MEMORY : curl_easy_perform(c->curl);
        curl_slist_free_all(headers);
        if (r)
                return err_pass(r);
        if (done != CURLE_OK) {
                http_reply_done(ret);
                return explain(call, &t, done, why);
        }
        curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
        ret->status = (int)status;
        return HTTP_CLIENT_DONE;
}

bool http_reply_header(const struct http_reply *r, const char *name, char *value, size_t size)
{
        size_t n_name = strlen(name);
        const char *line = r->headers.bytes;

        while (line && *line) {
                const char *end = strchr(line, '\n');
                const char *from = line + n_name + 1;

                if (end && from <= end && strncasecmp(line, name, n_name) == 0 && from[-1] == ':') {
                        from += strspn(from, " \t");
                        if ((size_t)(end - from) >= size)
                                return false;
                        memcpy(value, from, (size_t)(end - from));
                        value[end - from] = '\0';
                        return true;
                }
                line = end ? end + 1 : NULL;
        }
        return false;
}

int64_t http_reply_retry_after_ms(const struct http_reply *r)
{
        char value[32];
        long long seconds;

        if (!http_reply_header(r, "Retry-After", value, sizeof value) ||
            !text_to_int(value, 0, 3600, &seconds))
                return 0;
        return seconds * 1000;
}
