# SPDX-License-Identifier: Apache-2.0
# The simulation has to notice when the code is wrong. Each row makes a program with one mistake in it: in a copy of one
# file a piece that stands there once is replaced; nothing of this is in the code itself. The test `sim/mutant-<name>`
# passes when an invariant breaks within so many schedules.
#
#   sim_mutant(NAME FILE WITHIN "what stands there" "what stands there instead")
function(sim_mutant name file within right wrong)
        set(path "${PROJECT_SOURCE_DIR}/${file}")
        set(copy "${CMAKE_CURRENT_BINARY_DIR}/${name}.c")
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${path}")
        file(READ "${path}" text)
        string(FIND "${text}" "${right}" first)
        string(FIND "${text}" "${right}" last REVERSE)
        if(first EQUAL -1 OR NOT first EQUAL last)
                message(FATAL_ERROR "mutant ${name}: this does not stand once in ${file}:\n${right}")
        endif()
        string(REPLACE "${right}" "${wrong}" text "${text}")
        file(CONFIGURE OUTPUT "${copy}" CONTENT "#line 1 \"${path}\"\n${text}" @ONLY)

        # Of the simulation's own files the copy takes the place of one; of a library it is met before it.
        set(sources ${sim_sources})
        cmake_path(GET path FILENAME own)
        if(file MATCHES "^tests/sim/")
                list(REMOVE_ITEM sources ${own})
        endif()
        sim_program(sim_mutant-${name} ${sources} "${copy}")
        # A mistake may leave something unused.
        target_compile_options(sim_mutant-${name} PRIVATE -Wno-unused -Wno-unused-parameter)
        add_test(NAME sim/mutant-${name} COMMAND sim_mutant-${name} --caught-within ${within} --steps 40)
        set_tests_properties(sim/mutant-${name} PROPERTIES LABELS sim TIMEOUT 600)
endfunction()

# A device that takes any command, however old.
sim_mutant(no-fence src/drivers/gateway/fake.c 3000
        "return want->epoch < d->epoch || (want->epoch == d->epoch && want->seq < d->seq);"
        "(void)d; return want->epoch < 0;")
# The broker is told that messages are done before COMMIT.
sim_mutant(early-acknowledgement tests/sim/conductors.c 3000
        "batch_done(b, deadly ? 0 : n_done);"
        "batch_done(b, b->n);")
# A COMMIT whose answer was lost is taken for done.
sim_mutant(unknown-is-done src/conductor/batch.c 3000
        "return CONDUCTOR_UNKNOWN;"
        "return CONDUCTOR_OK;")
# Gateways are decided about as they were before their lock: two conductors give the same away.
sim_mutant(outside-lock src/conductor/view.c 3000
        "memcpy(s->row, row, table->row_size);"
        "if (t != T_GATEWAY || !((struct gateway *)(void *)s->row)->id[0]) memcpy(s->row, row, table->row_size);")
# A link that went while its lock was waited for is written back.
sim_mutant(back-from-the-dead src/conductor/plan.c 6000
        "if (r == 0)\n                forget_gone(t);\n"
        "")
# Labels and bandwidth are given back although an end has not confirmed that it is gone.
sim_mutant(freed-too-soon src/conductor/steps.c 3000
        "!s->ports[SIDE_Z]->wanted && step_ports_settled(s) == EV_PORTS_OK;"
        "!s->ports[SIDE_Z]->wanted;")
# Room is made for others before both ends have confirmed that a link takes less.
sim_mutant(capacity-too-soon src/conductor/link.c 3000
        "r = resource_reserve(t, l, ports, more_there, more_back, why);"
        "r = resource_reserve(t, l, ports, a_to_z_kbps, z_to_a_kbps, why);")
# An answer opens the gateway's gate, and nobody looks at what has gathered before it.
sim_mutant(lost-wakeup src/conductor/gate.c 3000
        "int r = timer_clear(t, TIMER_GATE, g->id);\n\n        return r ? r : idset_add(&t->pump, g->id);"
        "return timer_clear(t, TIMER_GATE, g->id);")
# An answer to an older desire counts for the newest.
sim_mutant(any-generation src/conductor/event_applied.c 3000
        "p->confirmed_generation = res->generation;"
        "p->confirmed_generation = p->generation;")
# An answer to an older desire takes the newest one off the list.
sim_mutant(work-of-another src/conductor/event_applied.c 3000
        "if (!w || w->generation != generation)"
        "(void)generation; if (!w)")
# The receiving end is lowered before the sending one.
sim_mutant(receiver-first src/conductor/update.c 3000
        "int64_t rx_z = max64("
        "int64_t rx_z = min64(")
# A step waits without a deadline.
sim_mutant(no-deadline src/conductor/work.c 3000
        "if (r == 0 && row->within_ms)"
        "if (r == 0 && row->within_ms && row->state == f->start)")
# A delete does not end the operation that holds the link.
sim_mutant(no-preemption src/conductor/link.c 3000
        [[r = work_preempt(t, l, "A delete took over.");]]
        "r = 0;")
# A new plug command does not wait for the answer to the older one.
sim_mutant(plugs-overtake src/conductor/plug.c 3000
        "return a->plug_sent ? 0 : send_when_clear(t, a, request_id);"
        "return send(t, a, request_id);")
# A number is given away twice.
sim_mutant(number-twice src/conductor/resource.c 3000
        "*cursor = value;"
        "")
# The second of two equal requests under one Idempotency-Key finds no stored answer.
sim_mutant(key-forgotten src/conductor/once.c 3000
        "return view_put(&t->view, T_REQUEST_KEY, &row) ? 0 : err_raise(-ENOMEM);"
        "return 0;")
# A link that is deleted by force gives its labels back, though its gateways were not heard.
sim_mutant(force-frees src/conductor/rescue.c 3000
        "resource_leave(t, s->l, p, left)"
        "resource_leave(t, s->l, p, false)")
# An end that made another object tells nobody.
sim_mutant(stale-object src/conductor/exchange.c 3000
        "(theirs && text_equal(theirs->given, object))"
        "(theirs && theirs->given[0])")
# A freeze that gateways do not mind.
sim_mutant(frozen-sends src/conductor/gate.c 3000
        "if (r == 0 && freeze_of(t))"
        "if (0)")
# An operation that waits through a freeze for ever.
sim_mutant(frozen-for-ever src/conductor/gate.c 3000
        "g->inflight_by = 0;\n        view_dirty(g);\n        return timer_set(t, TIMER_GATE, g->id, t->now_ms + FROZEN_LOOK_MS);"
        "return 0;")
# A repair that an operator let go, and that nobody begins.
sim_mutant(halted-for-ever src/conductor/event_audited.c 3000
        "if (!much || a->g->brake == BRAKE_RELEASED)"
        "if (!much)")
# A connection that fails leaves the links that came to be.
sim_mutant(half-a-connection src/conductor/connect.c 3000
        "{ 803, LINKS, EV_LINK_FAILED, FLOW_DO(take_back),            UNDO,   60000 },"
        "{ 803, LINKS, EV_LINK_FAILED, FLOW_DO(end_taken_back),       FAILED, 0 },")
# Two driver hosts work on one circuit at the same time.
sim_mutant(circuit-unlocked tests/sim/wan.c 3000
        "int r = is_locked(s, link_id) ? WAN_LOOK_NOTHING : wan_look("
        "int r = wan_look(")
# A WAN's answer to an older desire takes the newest one off the list.
sim_mutant(circuit-of-another src/conductor/circuit.c 3000
        "a.newest = a.w && a.w->generation == generation;"
        "a.newest = a.w;")
# What a WAN driver refused is never asked for again.
sim_mutant(circuit-forgotten src/conductor/circuit.c 3000
        "if (!w)\n                        r = timer_clear"
        "if (!w || w->created_ms < t->now_ms)\n                        r = timer_clear")
# What a link's circuit held is given back although the WAN has not confirmed that it is gone.
sim_mutant(circuit-freed src/conductor/event_audited.c 3000
        " || left->attachment_id[0] || a->what == COUNT"
        " || a->what == COUNT")
# After a restore gateways are believed before they were read.
sim_mutant(believed-unread src/conductor/restore.c 3000
        "return g->read_ms != (c ? c->since_ms : 0);"
        "return c && g->read_ms > c->since_ms;")
# What was found at a gateway does not keep its label.
sim_mutant(found-gives-way src/conductor/found.c 3000
        "r = resource_claim(t, g, kind, f->number, f->id);"
        "")
# Nobody looks again when an object's own pause is over.
sim_mutant(postponed-for-ever src/conductor/gate.c 3000
        "return p.later_ms ? timer_set(t, TIMER_GATE, g->id, p.later_ms) : 0;"
        "return 0;")
# A port that was deleted in the network behind our back is not plugged again.
sim_mutant(port-gone-for-ever src/conductor/event_audited.c 3000
        "at->neutron_port_id[0] = '\\0';\n        return plug_start(a->t, at, \"\");"
        "return 0;")
