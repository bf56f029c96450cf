-- What PREPARE takes, and the keywords of LOAD DATA and external tables.
--~ any
drop database if exists cs_pr
create database cs_pr
use cs_pr
create table t (a int, b varchar(60))
prepare s from 'commit'
prepare s from 'rollback'
prepare s from 'rollback work'
prepare s from 'begin'
prepare s from 'start transaction'
prepare s from '  COMMIT ;'
prepare s from '/* a remark */ begin'
prepare s from 'prepare q from ''select 1'''
prepare s from 'execute q'
prepare s from 'deallocate prepare q'
prepare s from 'drop prepare q'
prepare s from 'savepoint a'
prepare s from 'rollback to a'
prepare s from 'release savepoint a'
prepare s from 'use cs_pr'
prepare s from 'kill 1'
prepare s from 'kill query 1'
prepare s from 'analyze table t'
prepare s from 'call x()'
prepare s from ''
prepare s from 'show warnings'
prepare s from 'show errors'
prepare s from 'show collation'
prepare s from 'show recovery_window for account'
prepare s from 'set transaction isolation level read committed'
prepare s from 'set role moadmin'
prepare s from 'set default role moadmin to root'
prepare s from 'create stage cs_pr_s url=''file:///tmp'''
prepare s from 'alter stage cs_pr_s set comment=''x'''
prepare s from 'drop stage if exists cs_pr_s'
prepare s from 'create snapshot cs_pr_n for account'
prepare s from 'drop snapshot cs_pr_n'
prepare s from 'alter pitr cs_pr_p range 2 ''h'''
prepare s from 'create user cs_pr_u identified by ''x'''
prepare s from 'alter user cs_pr_u identified by ''y'''
prepare s from 'drop user if exists cs_pr_u'
prepare s from 'create role cs_pr_r'
prepare s from 'drop role if exists cs_pr_r'
prepare s from 'grant select on table *.* to cs_pr_r'
prepare s from 'revoke cs_pr_r from cs_pr_u'
prepare s from 'restore account sys{snapshot=cs_pr_n}'
prepare s from 'remove files from stage if exists ''stage://cs_pr_s/x'''
prepare s from 'select 1; select 2'
prepare s from 'do 1'
prepare s from 'insert into t values (?, ?)'
prepare s from 'set @a = 1'
prepare s from 'lock tables t read'
prepare s from 'unlock tables'
prepare s from 'explain select 1'
prepare s from 'desc t'
prepare s from 'truncate table t'
prepare s from 'values row(1, 2)'
load data infile {'filepath'='${DATA}/hdr_only.csv','nosuch'='x'} into table t
load data infile {'filepath'='${DATA}/hdr_only.csv','region'='x'} into table t
load data infile {'filepath'='${DATA}/hdr_only.csv','bucket'='x'} into table t
load data local infile {'filepath'='${DATA}/hdr_only.csv','nosuch'='x'} into table t
load data url s3option {'bucket'='b','filepath'='hdr_only.csv','nosuch'='x'} into table t
load data infile {'filepath'='${DATA}/hdr_only.csv','jsondata'='nosuch'} into table t
load data infile {'filepath'='${DATA}/users.csv','compression'='gzip'} into table t
load data infile {'filepath'='${DATA}/users.csv','compression'='bz2'} into table t
load data infile {'filepath'='${DATA}/users.csv','compression'='lz4'} into table t
load data infile {'filepath'='${DATA}/users.csv','compression'='zlib'} into table t
load data infile {'filepath'='${DATA}/users.csv','compression'='flate'} into table t
load data infile {'filepath'='${DATA}/users.csv','compression'='nosuch'} into table t
load data infile {'filepath'='${DATA}/users.csv','compression'='Auto'} into table t
create table raw (line varchar(200))
load data infile {'filepath'='${DATA}/users_gz_noext','compression'='Gzip'} into table raw fields terminated by '|'
load data infile {'Compression'='GZIP','filepath'='${DATA}/users_gz_noext'} into table raw fields terminated by '|'
load data infile {'filepath'='${DATA}/users.csv','compression'=''} into table raw fields terminated by '|'
load data infile {'filepath'='${DATA}/users.csv','compression'='NONE'} into table raw fields terminated by '|'
select count(*) from raw
create external table x (a int) infile {'filepath'='${DATA}/users.csv','nosuch'='x'}
create external table x (a int) infile '${DATA}/nosuch.csv'
select * from x
insert into t (a) select a from x
create external table y (a int) infile {'filepath'='${DATA}/nosuch.parquet','format'='parquet'}
select * from y
create external table z (a int) infile {'filepath'='${DATA}/nosuch.jsonl','format'='jsonline','jsondata'='object'}
select * from z
create external table f (a int) infile '${DATA}'
select * from f
create external table w (a int) infile '${DATA}/users.csv/x'
select * from w
select a, b from t
drop database cs_pr
