-- Texts of Parquet in columns of other types, and whole numbers.
--~ any
drop database if exists cs_pt
create database cs_pt
use cs_pt
create table t0(v datetime(6))
load data infile {'filepath'='${DATA}/blank_text.parquet','format'='parquet'} into table t0
select * from t0
create table t1(v timestamp)
load data infile {'filepath'='${DATA}/blank_text.parquet','format'='parquet'} into table t1
select * from t1
create table t2(v date)
load data infile {'filepath'='${DATA}/blank_text.parquet','format'='parquet'} into table t2
select * from t2
create table t3(v time)
load data infile {'filepath'='${DATA}/blank_text.parquet','format'='parquet'} into table t3
select * from t3
load data infile {'filepath'='${DATA}/year_text.parquet','format'='parquet'} into table t3
select * from t3
create table t4(v year)
load data infile {'filepath'='${DATA}/blank_text.parquet','format'='parquet'} into table t4
select * from t4
load data infile {'filepath'='${DATA}/year_text.parquet','format'='parquet'} into table t4
select * from t4
create table t5(v int)
load data infile {'filepath'='${DATA}/blank_text.parquet','format'='parquet'} into table t5
select * from t5
load data infile {'filepath'='${DATA}/year_text.parquet','format'='parquet'} into table t5
select * from t5
create table t6(v bigint unsigned)
load data infile {'filepath'='${DATA}/blank_text.parquet','format'='parquet'} into table t6
select * from t6
load data infile {'filepath'='${DATA}/year_text.parquet','format'='parquet'} into table t6
select * from t6
create table t7(v decimal(5,2))
load data infile {'filepath'='${DATA}/blank_text.parquet','format'='parquet'} into table t7
select * from t7
load data infile {'filepath'='${DATA}/year_text.parquet','format'='parquet'} into table t7
select * from t7
create table t8(v double)
load data infile {'filepath'='${DATA}/blank_text.parquet','format'='parquet'} into table t8
select * from t8
load data infile {'filepath'='${DATA}/year_text.parquet','format'='parquet'} into table t8
select * from t8
create table t9(v float)
load data infile {'filepath'='${DATA}/blank_text.parquet','format'='parquet'} into table t9
select * from t9
load data infile {'filepath'='${DATA}/year_text.parquet','format'='parquet'} into table t9
select * from t9
create table t10(v bool)
load data infile {'filepath'='${DATA}/blank_text.parquet','format'='parquet'} into table t10
select * from t10
create table t11(v json)
load data infile {'filepath'='${DATA}/blank_text.parquet','format'='parquet'} into table t11
select * from t11
create table t12(v enum('a'))
load data infile {'filepath'='${DATA}/blank_text.parquet','format'='parquet'} into table t12
select * from t12
create table t13(v vecf32(2))
load data infile {'filepath'='${DATA}/blank_text.parquet','format'='parquet'} into table t13
select * from t13
create table t14(v uuid)
load data infile {'filepath'='${DATA}/blank_text.parquet','format'='parquet'} into table t14
select * from t14
create table t15(v varchar(3))
load data infile {'filepath'='${DATA}/blank_text.parquet','format'='parquet'} into table t15
select * from t15
create table t16(v text)
load data infile {'filepath'='${DATA}/blank_text.parquet','format'='parquet'} into table t16
select * from t16
load data infile {'filepath'='${DATA}/year_text.parquet','format'='parquet'} into table t16
select * from t16
drop database cs_pt
