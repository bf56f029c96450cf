-- Facts 77 to 81: what texts become, marks and delimiters, numbering, REPLACE, exponents.
--~ any
drop database if exists cs_va
create database cs_va
use cs_va
-- 77
create table texts(id int, v text)
insert into texts values (0,'x'),(1,''),(2,'abc1'),(3,'1x'),(4,'1,5'),(5,'1 2'),(6,' 2'),(7,'1e39'),(8,'1e400'),(9,'-1e400'),(10,'nan'),(11,'inf')
create table v_float(id int, v float)
insert into v_float values (0,'x'),(1,''),(2,'abc1'),(3,'1x'),(4,'1,5'),(5,'1 2'),(6,' 2'),(7,'1e39'),(8,'1e400'),(9,'-1e400')
insert into v_float values (10,'nan')
insert into v_float values (11,'inf')
select id,v from v_float where id<10 order by id
create table s_float(id int, v float)
insert into s_float select id,v from texts where id<10
insert into s_float select id,v from texts where id=10
insert into s_float select id,v from texts where id=11
select id,v from s_float where id<10 order by id
create table v_double(id int, v double)
insert into v_double values (0,'x'),(1,''),(2,'abc1'),(3,'1x'),(4,'1,5'),(5,'1 2'),(6,' 2'),(7,'1e39'),(8,'1e400'),(9,'-1e400')
insert into v_double values (10,'nan')
insert into v_double values (11,'inf')
select id,v from v_double where id<10 order by id
create table s_double(id int, v double)
insert into s_double select id,v from texts where id<10
insert into s_double select id,v from texts where id=10
insert into s_double select id,v from texts where id=11
select id,v from s_double where id<10 order by id
create table years(id int, v text)
insert into years values (0,'x'),(1,''),(2,'1900'),(3,'2156'),(4,'20x'),(5,'99'),(6,'0'),(7,'2024')
create table v_year(id int, v year)
insert into v_year values (0,'x'),(1,''),(2,'1900'),(3,'2156'),(4,'20x'),(5,'99'),(6,'0'),(7,'2024')
insert into v_year values (8,1900),(9,3000)
select * from v_year order by id
create table s_year(id int, v year)
insert into s_year select id,v from years
select * from s_year order by id
-- 78
create table l(id int, v varchar(20))
load data infile '${DATA}/bom_blank.csv' into table l fields terminated by ','
select id,v from l order by id
truncate table l
load data infile '${DATA}/cr.csv' into table l fields terminated by ',' lines terminated by '\r'
select id,v from l order by id
truncate table l
load data infile '${DATA}/wide_delimiters.txt' into table l fields terminated by '||' enclosed by '"' lines terminated by '##'
select id,v from l order by id
truncate table l
load data infile '${DATA}/trailing.csv' into table l fields terminated by ','
select id,v from l order by id
truncate table l
load data infile '${DATA}/trailing.csv' into table l fields terminated by ',' (id,v,@rest)
select id,v from l order by id
truncate table l
load data infile '${DATA}/trailing_text.csv' into table l fields terminated by ','
select id,v from l order by id
truncate table l
load data local infile '${DATA}/bom_blank.csv' into table l fields terminated by ','
select id,v from l order by id
truncate table l
load data local infile '${DATA}/cr.csv' into table l fields terminated by ',' lines terminated by '\r'
select id,v from l order by id
truncate table l
load data local infile '${DATA}/wide_delimiters.txt' into table l fields terminated by '||' enclosed by '"' lines terminated by '##'
select id,v from l order by id
truncate table l
load data local infile '${DATA}/trailing.csv' into table l fields terminated by ','
select id,v from l order by id
truncate table l
load data local infile '${DATA}/trailing.csv' into table l fields terminated by ',' (id,v,@rest)
select id,v from l order by id
truncate table l
load data local infile '${DATA}/trailing_text.csv' into table l fields terminated by ','
select id,v from l order by id
truncate table l
create table o(v varchar(20))
load data infile '${DATA}/blank_last.csv' into table l fields terminated by ','
select id,v from l order by id
truncate table l
load data infile '${DATA}/blank_last_one.csv' into table o
load data local infile '${DATA}/blank_last.csv' into table l fields terminated by ','
select id,v from l order by id
truncate table l
load data local infile '${DATA}/blank_last_one.csv' into table o
select v,length(v) from o order by v
-- 79
create table a(id int auto_increment primary key, v int)
load data infile '${DATA}/numbers.csv' into table a (v)
load data infile '${DATA}/numbers.csv' into table a (v)
load data local infile '${DATA}/numbers.csv' into table a (v)
begin
load data infile '${DATA}/numbers.csv' into table a (v)
load data infile '${DATA}/numbers.csv' into table a (v)
commit
select id,v from a order by id
-- 80
create table r(id int primary key, u int unique, w int unique)
insert into r values (1,1,1),(2,2,2),(3,3,3)
replace into r select 1,2,3
replace into r select 1,2,3
select * from r
replace into r values (1,2,3)
insert into r values (4,4,4)
replace into r values (1,4,3),(5,5,5)
select * from r order by id
-- 81
create table d(id int, v decimal(20,10))
insert into d values (0,'1.000E-7')
insert into d select 0,'1.000E-7'
insert into d values (0,1.000E-7)
insert into d values (1,'0E-10')
insert into d select 1,'0E-10'
insert into d values (1,0E-10)
insert into d values (2,'1E+2')
insert into d select 2,'1E+2'
insert into d values (2,1E+2)
insert into d values (3,'1E2')
insert into d select 3,'1E2'
insert into d values (3,1E2)
insert into d values (4,'1.000e-7')
insert into d select 4,'1.000e-7'
insert into d values (4,1.000e-7)
insert into d values (5,'0e-10')
insert into d select 5,'0e-10'
insert into d values (5,0e-10)
insert into d values (6,'1e+2')
insert into d select 6,'1e+2'
insert into d values (6,1e+2)
insert into d values (7,'1e2')
insert into d select 7,'1e2'
insert into d values (7,1e2)
load data infile '${DATA}/exponent.csv' into table d fields terminated by ','
load data infile '${DATA}/exponent_small.csv' into table d fields terminated by ','
select * from d order by id,v
create table e32(id int, v vecf32(3))
insert into e32 values (1,'[1,NaN,2]')
insert into e32 values (2,'[1,inf,2]')
insert into e32 select 3,'[nan,1,1]'
select * from e32 order by id
create table e64(id int, v vecf64(3))
insert into e64 values (1,'[1,NaN,2]')
insert into e64 values (2,'[1,inf,2]')
insert into e64 select 3,'[nan,1,1]'
select * from e64 order by id
create table z(id int, v varchar(10), t text)
insert into z values (0,'a\0b','c\0d')
load data infile '${DATA}/nul.csv' into table z fields terminated by ',' (id,t)
load data local infile '${DATA}/nul.csv' into table z fields terminated by ',' (id,t)
select id,hex(v),hex(t),length(t) from z order by id,v
drop database cs_va
