/**
 * The signals between app code and the workflows of a run, and between those workflows.
 */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { defineSignal } from '@temporalio/workflow';
import { searchAttributes, signalNames } from '../contracts/names.ts';

export const pauseSignal = defineSignal(signalNames.pause);
export const resumeSignal = defineSignal(signalNames.resume);
/** To a run: its account has been connected again. Ends no pause of an operator. */
export const reconnectedSignal = defineSignal(signalNames.reconnected);
/** To a node: its parent has stored rows that are new units for it. */
export const wakeSignal = defineSignal(signalNames.wake);
/** To a node: no more units will be added. */
export const parentDoneSignal = defineSignal(signalNames.parentDone);
/** To a node: all its units have been ended in the database; it ends without waiting for calls that are on their way. */
export const endEarlySignal = defineSignal(signalNames.endEarly);
/** From a node to its run: what it waits for, for people who look at the run. */
export const waitingSignal = defineSignal<[{ node: string; because: string; isPaused?: boolean }]>(signalNames.waiting);
/** To an operation that waits for its entity: it holds the lock now. */
export const lockGrantedSignal = defineSignal(signalNames.lockGranted);

export const statusAttribute = defineSearchAttributeKey(searchAttributes.status, SearchAttributeType.KEYWORD);
