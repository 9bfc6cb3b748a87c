export {
  type Analyzer,
  type AnalyzerState,
  type ChannelFields,
  type CrossCheck,
  createAnalyzer,
  type FieldSchema,
  type Finding,
  type FindingKind,
  type Frame,
  type LearnedBand,
} from './analyzer.ts';
export { RollingMedian } from './rolling-median.ts';
