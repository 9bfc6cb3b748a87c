/** Backup of a hub and its database to any moment. */
export { backupDrill, type DrillReport } from './drill.ts';
export { BackupMomentError, backupSpan, restoreBackup } from './restore-backup.ts';
export { takeBackup } from './take-backup.ts';
