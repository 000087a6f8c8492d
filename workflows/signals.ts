/**
 * The signals that app code and workers send to workflows.
 */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { defineSignal } from '@temporalio/workflow';
import { searchAttributes, signalNames } from '../contracts/names.ts';

export const pauseSignal = defineSignal(signalNames.pause);
export const resumeSignal = defineSignal(signalNames.resume);
/** To a run: its account has been connected again. Ends no pause of an operator. */
export const reconnectedSignal = defineSignal(signalNames.reconnected);
/** To an operation that waits for its entity: it holds the lock now. */
export const lockGrantedSignal = defineSignal(signalNames.lockGranted);

export const statusAttribute = defineSearchAttributeKey(searchAttributes.status, SearchAttributeType.KEYWORD);
